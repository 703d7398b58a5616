"""Scorer: events in from Kafka, scores, stages and facts out to Postgres."""
