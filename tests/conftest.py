"""Settings of the test run: what hypothesis draws is the same everywhere, and no test fails for being slow."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

from tests.repositories import isolate_git

settings.register_profile(
    "fast",
    max_examples=15,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("thorough", settings.get_profile("fast"), max_examples=100)
settings.load_profile("fast")  # --hypothesis-profile names another one

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


@pytest.fixture(autouse=True, scope="session")
def own_git(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        isolate_git(patch, tmp_path_factory.getbasetemp())
        yield


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Wait for requests of earlier tests: their retries draw from the random state, which hypothesis watches."""
    if item.get_closest_marker("hypothesis"):
        for thread in threading.enumerate():
            if thread.name.startswith(("listing", "driftcheck-request")):
                thread.join(30)


def pytest_report_header() -> list[str]:
    """Name the modules that are left out."""
    return [f"not run on this platform: {module} ({UNIX_ONLY[module]})" for module in collect_ignore]
