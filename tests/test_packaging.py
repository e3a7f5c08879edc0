"""The package installs: its bounds are tried, its schemas are found, its version is one."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import driftcheck
from driftcheck import fields

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def lower_bounds() -> dict[str, str]:
    extras = [each for name, group in PROJECT["optional-dependencies"].items() if name != "dev" for each in group]
    runtime = [each for each in (*PROJECT["dependencies"], *extras) if not each.startswith("driftcheck[")]
    matches = [re.fullmatch(r"([a-z0-9-]+)(?:\[[a-z]+\])?>=([0-9.]+)(,<.*)?", requirement) for requirement in runtime]
    assert all(matches), runtime
    return {match[1]: match[2] for match in matches if match}


def pinned() -> dict[str, str]:
    lines = (ROOT / ".ci" / "lowest.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def padded(version: str) -> tuple[int, ...]:
    numbers = [int(number) for number in version.split(".")]
    return tuple(numbers + [0] * (3 - len(numbers)))


def test_each_lower_bound_is_the_version_that_is_tried() -> None:
    tried = {name: padded(version) for name, version in pinned().items()}
    assert tried == {name: padded(version) for name, version in lower_bounds().items()}


def test_the_version_stands_once_more_in_the_package_and_the_changelog() -> None:
    assert driftcheck.__version__ == PROJECT["version"]
    assert f"\n## {PROJECT['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_schema_is_found() -> None:
    assert [fields.schema_path(name).name for name in fields.SCHEMAS] == [f"{n}.schema.json" for n in fields.SCHEMAS]
    assert sorted(path.name for path in (ROOT / "schemas").iterdir()) == sorted(
        f"{n}.schema.json" for n in fields.SCHEMAS
    )


def test_nothing_else_stands_at_the_top_level() -> None:
    """docs/architecture.md, Layout: what stands at the top level."""
    listed = {"driftcheck", "schemas", "examples", "tests", "docs", "pyproject.toml", "README.md", "LICENSE"}
    looked_for = {"CHANGELOG.md", "SECURITY.md", "CONTRIBUTING.md", "action.yml"}
    made = {"dist", "build"}
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert found - made <= listed | looked_for
