"""Random rulesets and histories, on which the core and services.scorer.slow must agree."""
