"""Walks every interleaving of the real rules in small scopes."""
