"""Sessions without an HTTP server, in the process of whoever wants them."""
