"""The mappings of other trackers."""
