"""The real command, in a separate process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

COMMAND = [sys.executable, "-P", "-m", "driftcheck"]


def environment(**more: str) -> dict[str, str]:
    """Return the environment without the variables of driftcheck, Python and proxies, and with additional ones."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DRIFTCHECK_", "LANG", "PYTEST_", "PYTHON")) and "PROXY" not in name.upper()
    }
    return {**kept, "SOURCE_DATE_EPOCH": "1767845074", "NO_COLOR": "1", **more}


def driftcheck(
    *arguments: str | Path, cwd: Path, stdin: str | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, at most 60 seconds."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        env=environment(**(env or {})),
        check=False,
    )
