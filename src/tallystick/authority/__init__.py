"""The use cases: each loads, decides, commits, delivers. It knows the world only through ports."""
