"""Endings, the one log that they go into, and what a follower makes of it."""
