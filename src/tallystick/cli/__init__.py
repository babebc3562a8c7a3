"""The command line: noun then verb; data on stdout, words for people on stderr."""
