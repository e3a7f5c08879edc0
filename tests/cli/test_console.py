"""Standard error on a terminal: the progress line, and when it is not shown."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from tests.cli.command import COMMAND, environment
from tests.cli.workspace import serving, workspace

ERASE = "\x1b[2K"


def on_a_terminal(*arguments: str, cwd: Path, env: dict[str, str]) -> str:
    """Return what a command writes to standard error, which is a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([*COMMAND, *arguments], cwd=cwd, env=env, stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    written = b""
    while True:
        try:
            chunk = os.read(ours, 4096)
        except OSError:
            break
        if not chunk:
            break
        written += chunk
    os.close(ours)
    assert process.wait(timeout=30) == 0
    return written.decode()


def test_the_progress_line_is_erased_before_anything_else_is_written(tmp_path: Path) -> None:
    with serving(workspace()) as service:
        env = environment(**service, TERM="xterm")
        del env["NO_COLOR"]
        shown = on_a_terminal("snapshot", "-o", "live.json", cwd=tmp_path, env=env)
    assert "listing: 3 deployments" in shown
    assert shown.rpartition(ERASE)[2].strip() == "3 deployments saved."
    assert len(json.loads((tmp_path / "live.json").read_text())["deployments"]) == 3


def test_a_plain_terminal_gets_no_progress_line(tmp_path: Path) -> None:
    with serving(workspace()) as service:
        env = environment(**{**service, "NO_COLOR": "", "TERM": "dumb"})
        shown = on_a_terminal("snapshot", "-o", "live.json", cwd=tmp_path, env=env)
    assert shown.strip() == "3 deployments saved."


@pytest.mark.parametrize(("variables", "coloured"), [({}, False), ({"FORCE_COLOR": "1"}, True)])
def test_colour_follows_the_environment(variables: dict[str, str], coloured: bool, tmp_path: Path) -> None:
    from tests.cli.test_exit_status import IN_SYNC, declare, listing

    (tmp_path / "deployments.yaml").write_text(declare(cpu=2))
    (tmp_path / "live.json").write_text(listing(IN_SYNC))
    env = environment(**{"NO_COLOR": "", **variables})
    command = [*COMMAND, "check", "--live", "live.json"]
    result = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert ("\x1b[" in result.stdout) is coloured
