"""Other trackers' wire formats, read as calls of ours. Pure."""
