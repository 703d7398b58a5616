"""Nurture sequences: who gets what, when, and once."""
