"""The four services of leadscore, and the command that runs them."""
