"""What the budgets hold: each number a ratio against a peer in the same run."""
