"""Speed and memory of driftcheck, compared with other tools; run with `python -m tests.benchmark`."""
