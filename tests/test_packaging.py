"""The package can be published: bounds are tried, schemas are found, builds are reproducible."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from driftcheck import fields

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def lower_bounds() -> dict[str, str]:
    extras = [each for name, group in PROJECT["optional-dependencies"].items() if name != "dev" for each in group]
    runtime = [each for each in (*PROJECT["dependencies"], *extras) if not each.startswith(f"{PROJECT['name']}[")]
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


def test_the_version_has_one_source() -> None:
    """It comes from the git tag: the build writes it into the package and into the metadata."""
    assert PROJECT["dynamic"] == ["version"]
    assert "version" not in PROJECT
    assert "driftcheck/_version.py" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_hints_name_the_distribution() -> None:
    """No hint, page or example names an install command of another distribution."""
    pages = [
        *ROOT.glob("driftcheck/**/*.py"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("*.md"),
        *ROOT.glob("examples/ci/*"),
    ]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    extras = set(PROJECT["optional-dependencies"])
    named = re.findall(r"([\w.-]*driftcheck)\[([\w,]+)\]", text)
    assert named
    assert {name for name, _ in named} == {PROJECT["name"]}
    assert {extra for _, group in named for extra in group.split(",")} <= extras
    assert not re.search(r"pip3? install (-\S+ )*'?driftcheck\b", text)


@pytest.mark.slow
def test_two_builds_yield_the_same_bytes(tmp_path: Path) -> None:
    """From copies of the tree with other times, other modes and other names, and once more from the sdist."""
    built = []
    for name, umask in (("first", 0o022), ("second", 0o077)):
        tree = tmp_path / name / "tree"
        kept = shutil.ignore_patterns(".git", ".venv", ".*_cache", ".hypothesis", "__pycache__", "_version.py", "cases")
        shutil.copytree(ROOT, tree, ignore=kept, copy_function=shutil.copyfile)
        script = f"import os, runpy; os.umask({umask}); runpy.run_module('build', run_name='__main__')"
        command = [sys.executable, "-c", script, "--no-isolation", "--outdir", str(tmp_path / name / "dist"), str(tree)]
        subprocess.run(command, check=True, capture_output=True, timeout=100)
        built.append({path.name: path.read_bytes() for path in (tmp_path / name / "dist").iterdir()})
    first, second = built
    assert sorted(first) == ["langsmith_driftcheck-0.0.0-py3-none-any.whl", "langsmith_driftcheck-0.0.0.tar.gz"]
    assert first == second
    (wheel,) = (tmp_path / "first" / "dist").glob("*.whl")
    archive = zipfile.ZipFile(wheel)
    names = set(archive.namelist())
    assert b"__version__ = '0.0.0'" in archive.read("driftcheck/_version.py")
    assert {"driftcheck/py.typed", "driftcheck/_version.py", "driftcheck/schemas/report.schema.json"} <= names
    assert not any(name.startswith(("tests/", "docs/")) for name in names)


def test_every_schema_is_found() -> None:
    assert [fields.schema_path(name).name for name in fields.SCHEMAS] == [f"{n}.schema.json" for n in fields.SCHEMAS]
    assert sorted(path.name for path in (ROOT / "schemas").iterdir()) == sorted(
        f"{n}.schema.json" for n in fields.SCHEMAS
    )


def test_nothing_else_is_at_the_top_level() -> None:
    """docs/architecture.md, Layout: what is at the top level."""
    listed = {"driftcheck", "schemas", "examples", "tests", "docs", "pyproject.toml", "README.md", "LICENSE"}
    looked_for = {"CHANGELOG.md", "SECURITY.md", "CONTRIBUTING.md", "action.yml"}
    made = {"dist", "build"}
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert found - made <= listed | looked_for
