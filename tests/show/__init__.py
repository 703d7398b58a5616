"""The whole road of a hand-off, with the receivers that people use."""
