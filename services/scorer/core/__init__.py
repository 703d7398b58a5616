"""The pure scoring core: no IO, no clock, no randomness, no async."""
