"""Console: the read API, stages set by hand (and later the web pages)."""
