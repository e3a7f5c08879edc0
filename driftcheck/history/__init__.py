"""Recorded runs and what they mean together: what is new, since when, and what was resolved."""
