"""Retention: what is old enough goes, in small steps, and scores don't change."""
