"""How a verifier decides locally: the check, its caches, the follower and its lease; all without I/O."""
