"""Tests of the demo's pure parts."""
