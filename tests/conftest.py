"""Settings of the test run: what hypothesis draws is the same everywhere, and no test fails for being slow."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "driftcheck", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("soak", settings.get_profile("driftcheck"), derandomize=False)
settings.load_profile("driftcheck")
