"""The soak test runs: here with its quick parts and one seed, and with the documented command."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.soak import PARTS

ROOT = Path(__file__).parent.parent
QUICK = [name for name in PARTS if name not in ("run_property_tests", "render_reports")]


@pytest.mark.slow
@pytest.mark.parametrize("part", QUICK)
def test_a_part_holds(part: str) -> None:
    PARTS[part](random.Random(f"{part}-0"), time.monotonic())


@pytest.mark.slow
def test_the_command_is_the_documented_one() -> None:
    assert "python -m tests.soak --minutes" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    command = [sys.executable, "-m", "tests.soak", "--minutes", "0", "--seed", "0", "--part", "load_mutations"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "seed 0: load_mutations held" in ran.stdout
