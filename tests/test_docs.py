"""The pages on how to use it: every command in them runs, every piece of YAML is valid, every link leads somewhere."""

from __future__ import annotations

import re
import shlex
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from driftcheck.declarations.schema import validate
from driftcheck.formats import FORMATS
from driftcheck.live.emulator import create_app
from tests.cli.inside import run_inside
from tests.cli.workspace import external, serving, workspace
from tests.loopback import running
from tests.repositories import run_git

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "docs" / name for name in ("pre-merge.md", "audit.md", "reports.md")]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(page: Path, language: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(page.read_text()) if kind == language]


def commands(page: Path) -> list[list[str]]:
    """Return the words of every line that calls driftcheck; other lines may only set the environment."""
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    found = [shlex.split(line, comments=True) for line in lines]
    assert all(words[0] in ("driftcheck", "export", "eval") for words in found)
    return [words[1:] for words in found if words[0] == "driftcheck"]


def deployments() -> list[dict[str, Any]]:
    """Return a workspace in which staging has its counterpart in production."""
    pair = [external(f"{stage}-search", 40 + number) for number, stage in enumerate(("staging", "prod"))]
    for deployment in pair:
        deployment["source_revision_config"] = deepcopy(pair[0]["source_revision_config"])
    return [*workspace(), *pair]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_runs_as_the_page_has_it(tmp_path: Path, page: Path) -> None:
    with serving(deployments()) as env:
        if page.stem != "audit":
            assert run_inside("init", cwd=tmp_path, env=env).status == 0
        run_git(tmp_path, "init", "-q", "-b", "main")
        run_git(tmp_path, "add", "-A")
        run_git(tmp_path, "commit", "-q", "--allow-empty", "-m", "Declare")
        run_git(tmp_path, "update-ref", "refs/remotes/origin/main", "HEAD")
        for words in commands(page):
            result = run_inside(*words, cwd=tmp_path, env=env)
            assert result.status == 0, (words, result.output)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_piece_of_yaml_is_a_valid_configuration(page: Path) -> None:
    for block in blocks(page, "yaml"):
        assert validate(yaml.safe_load(block.replace("2030-12-31", '"2030-12-31"')), "config") == ()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_leads_to_a_file(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_the_page_on_reports_has_every_format() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", PAGES[2].read_text(), re.MULTILINE)) == FORMATS.keys()


def test_a_command_line_that_is_refused_leaves_the_files_as_the_page_on_reports_says(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("yesterday's")
    for refused in (["--no-such-option"], ["-o", "html=a", "-o", "text=a"], ["--live", "report.json"]):
        assert run_inside("check", "-o", "json=report.json", *refused, cwd=tmp_path).status == 2
        assert (tmp_path / "report.json").read_text() == "yesterday's"
    assert "leaves the files as they were" in " ".join(PAGES[2].read_text().split())


def test_the_emulator_takes_the_keys_that_the_page_says(tmp_path: Path) -> None:
    assert "takes any key" in " ".join(PAGES[0].read_text().split())
    with running(create_app(workspace())) as url:
        for key, status in (("anything", 0), ("seven77", 0)):
            env = {"LANGGRAPH_HOST_URL": url, "LANGSMITH_API_KEY": key}
            assert run_inside("snapshot", cwd=tmp_path, env=env).status == status
