"""Pages of signing up, proving an address, and a forgotten password."""
