"""The server: settings, wiring, run."""
