"""Hand-offs: listed, answered by sales, released and dropped."""
