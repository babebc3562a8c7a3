"""Pages of signing in, stepping up and signing out."""
