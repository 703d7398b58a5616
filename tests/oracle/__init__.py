"""A slow, obvious second opinion on scoring, which shares no code with the core."""
