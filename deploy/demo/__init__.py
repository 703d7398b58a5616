"""The demo: Sarah's journey over the real endpoints. Imports nothing else of this project."""
