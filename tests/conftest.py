"""Settings of the test run: what hypothesis draws is the same everywhere, and no test fails for being slow."""

from __future__ import annotations

import os
import sys
from typing import Final

from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "driftcheck",
    max_examples=50,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("soak", settings.get_profile("driftcheck"), derandomize=False)
# Finding the smallest example can take minutes: this profile shows the first one, for hunting in many tests.
settings.register_profile("hunt", settings.get_profile("driftcheck"), phases=[Phase.explicit, Phase.generate])
settings.load_profile(os.environ.get("DRIFTCHECK_TEST_PROFILE", "driftcheck"))

UNIX_ONLY: Final = {
    "test_ci_examples.py": "bash, and the commands of a runner",
    "test_site.py": "bash",
    "test_three_way.py": "bash",
    "test_fault_matrix_cli.py": "signals",
    "test_faults.py": "signals",
    "test_hostile_files.py": "named pipes, /dev, symbolic links",
    "cli/test_completion.py": "bash",
    "cli/test_console.py": "pseudo terminals, full devices",
    "cli/test_exit_status.py": "signals",
    "cli/test_outputs.py": "named pipes, permissions, full devices",
    "declarations/test_discovery.py": "named pipes, symbolic links",
}
"""What a test module needs and Windows lacks; elsewhere all modules run."""

collect_ignore = [*UNIX_ONLY] if sys.platform == "win32" else []


def pytest_report_header() -> list[str]:
    """Name the modules that are left out."""
    return [f"not run on this platform: {module} ({UNIX_ONLY[module]})" for module in collect_ignore]
