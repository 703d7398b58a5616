"""Destinations and deliveries, over HTTP."""
