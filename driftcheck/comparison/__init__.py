"""The comparison of declared and live: pure functions, without files, network, clock or settings."""
