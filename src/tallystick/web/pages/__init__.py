"""What people see: pages that work without JavaScript, one folder for each area."""
