"""Declared against live: pure functions, no files, network, clock or settings."""
