"""How quick driftcheck is and how much memory it takes, beside other tools; run with `python -m tests.benchmark`."""
