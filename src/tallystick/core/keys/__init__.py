"""Signing keys: the published set, their life, and strict JSON Web Signatures."""
