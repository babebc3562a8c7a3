"""One contract, `ports.Store`, and what fulfils it: memory (the readable reference) and SQLite."""
