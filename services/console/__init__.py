"""Console: the read API (and later the web pages)."""
