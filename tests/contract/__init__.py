"""Tests of leadscore."""
