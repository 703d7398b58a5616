"""The slow second opinion where random examples don't reach."""
