"""Ways to run leadscore."""
