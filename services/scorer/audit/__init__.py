"""The audit: every lead is worked out anew from its stored events, and compared."""
