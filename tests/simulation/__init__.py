"""Weeks of a router's work under a clock that a test moves."""
