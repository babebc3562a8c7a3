"""`/admin`: what an administrator sees and does."""
