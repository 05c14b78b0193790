"""One module per command; each body is a thin call into the Python API."""
