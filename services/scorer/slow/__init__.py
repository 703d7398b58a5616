"""The slow, obvious second opinion on a lead's points, which shares no code with the core.

It imports nothing of leadscore. The audit compares what is stored with it; tests compare the core.
"""
