"""Router: facts in from the outbox, stage changes and hand-offs out."""
