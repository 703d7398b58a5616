"""Sending to others' systems: where to, what, and guarded against being led astray."""
