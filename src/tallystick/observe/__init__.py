"""What is seen of an authority at work."""
