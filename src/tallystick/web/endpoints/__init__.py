"""One file per resource; each handler takes a request and gives a response, or raises one of our errors."""
