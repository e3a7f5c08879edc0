"""Shell completion, which is click's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from driftcheck.cli.main import COMMANDS
from tests.cli.inside import run_inside


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(tmp_path: Path, shell: str) -> None:
    result = run_inside(cwd=tmp_path, env={"_DRIFTCHECK_COMPLETE": f"{shell}_source"})
    assert (result.status, result.err) == (0, "")
    assert "_driftcheck_completion" in result.out


@pytest.mark.parametrize(
    ("words", "completions"),
    [
        ("driftcheck ", set(COMMANDS)),
        ("driftcheck sn", {"snapshot"}),
        ("driftcheck audit --name", {"--name", "--name-contains"}),
        ("driftcheck check --fail-on n", {"note", "never"}),
        ("driftcheck check -o j", {"json", "junit"}),
        ("driftcheck check --gate dr", {"drift"}),
        ("driftcheck check --target s", {"staging"}),
        ("driftcheck explain missing-d", {"missing-deployment"}),
    ],
)
def test_commands_options_and_choices_are_completed(tmp_path: Path, words: str, completions: set[str]) -> None:
    env = {
        "_DRIFTCHECK_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    (tmp_path / "driftcheck.yaml").write_text("targets: {staging: {paths: [a]}, production: {paths: [b]}}\n")
    result = run_inside(cwd=tmp_path, env=env)
    assert {line.partition(",")[2] for line in result.out.split("\n") if line} == completions
    assert (result.status, result.err) == (0, "")
