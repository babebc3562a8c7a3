"""Who a principal is and how they prove it; pure."""
