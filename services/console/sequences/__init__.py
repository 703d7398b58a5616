"""Nurture sequences: what runs, and what people do with it."""
