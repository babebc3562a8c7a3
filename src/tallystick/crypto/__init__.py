"""Plain implementations of the ports that keep secrets: clocks, randomness, root key, sealing, signing, slow hashes."""
