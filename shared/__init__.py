"""The contract between the services: events, topics, tables, settings, health, the bus."""
