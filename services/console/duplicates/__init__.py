"""Likely duplicates: pairs of leads that may be one person, with a score and reasons."""
