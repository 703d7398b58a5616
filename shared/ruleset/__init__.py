"""Rulesets: the document marketers write, how it is read, checked and stored."""
