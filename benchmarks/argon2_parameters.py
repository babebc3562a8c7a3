"""The parameters of Argon2id that all sides of the sign-in row share: those of our default."""

from __future__ import annotations

MEMORY_KIB, TIME_COST, PARALLELISM = 19_456, 2, 1
