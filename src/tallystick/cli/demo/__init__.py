"""`tallystick demo`: the whole story told by real processes, every step checked against what is promised."""
