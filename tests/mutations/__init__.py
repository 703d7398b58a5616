"""Faults planted in the scoring core, to see that tests catch them."""
