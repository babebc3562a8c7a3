"""Pages for people: they work without JavaScript, under a strict content security policy."""
