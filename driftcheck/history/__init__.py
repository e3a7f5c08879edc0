"""The history of recorded runs: what is new, since when, and what was resolved."""
