"""The README and the other pages at the top are true: pictures, commands, YAML, tables and links."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml

from driftcheck.cli.main import COMMANDS, driftcheck
from driftcheck.declarations.schema import validate
from driftcheck.formats import FORMATS
from driftcheck.model import ExitStatus
from tests.cli.command import environment
from tests.cli.inside import run_inside

ROOT = Path(__file__).parent.parent
QUICKSTART = ROOT / "examples" / "quickstart"
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"]
GUIDES = [
    f"docs/{name}.md" for name in ("index", "tutorial", "environments", "history", "adopt-and-plan", "library", "faq")
]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return [body for kind, body in BLOCK.findall(text) if kind == language]


def marked(name: str) -> str:
    """The command between the marks, as a reader copies it."""
    match = re.search(rf"<!-- {name} -->\n```sh\n(.*?)\n```\n<!-- end -->", README, re.DOTALL)
    assert match is not None
    return match[1]


def table(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without the header."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def test_the_picture_is_what_the_quickstart_shows() -> None:
    (picture,) = blocks("README.md", "console")
    command, _, rest = picture.partition("\n")
    shown, _, status = rest.rpartition("$ echo $?\n")
    assert command.startswith("$ driftcheck ")
    result = run_inside(*shlex.split(command)[2:], cwd=QUICKSTART)
    assert result.err == ""
    assert result.out == shown
    assert f"{result.status}\n" == status


def test_the_quickstart_command_ends_with_the_picture() -> None:
    """Its last part, by the console script of the running interpreter."""
    *setup, check = marked("quickstart-command").split(" && ")
    assert setup == ["python3 -m venv .venv", ".venv/bin/pip install -q ."]
    script, *arguments = shlex.split(check)
    assert script == ".venv/bin/driftcheck"
    ran = subprocess.run(
        [Path(sys.executable).parent / "driftcheck", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(),
        check=False,
    )
    (picture,) = blocks("README.md", "console")
    assert ran.stderr == ""
    shown, expected = (  # longer names wrap elsewhere, and a long command has a line of its own
        " ".join(word.strip("`.") for word in text.replace("examples/quickstart/", "").split() if word != "\\")
        for text in (ran.stdout, picture)
    )
    assert shown in expected
    assert ran.returncode == 1


def test_continuous_integration_calls_the_test_command() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (extraction,) = re.findall(r'^bash -c "\$\((sed .*)\)"$', script, re.MULTILINE)
    ran = subprocess.run(["bash", "-c", extraction], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.strip() == marked("test-command")
    assert "-m pytest" in marked("test-command")


def commands(page: str) -> list[list[str]]:
    """Every call of driftcheck in code blocks and code spans."""
    text = (ROOT / page).read_text(encoding="utf-8")
    bodies = [body.replace("\\\n", " ") for _, body in BLOCK.findall(text)]
    lines = [line.strip().removeprefix("$ ").removeprefix("- run: ") for body in bodies for line in body.splitlines()]
    lines = [re.split(r" (?:&|\|\|?|>)(?: |$)", line)[0] for line in lines if re.match(r"(\S*/)?driftcheck ", line)]
    spans = re.findall(r"`(driftcheck [a-z][^`]*)`", BLOCK.sub("", text))
    calls = [shlex.split(line, comments=True) for line in (*lines, *spans) if "driftcheck " in line]
    return [words[1:] for words in calls if words and Path(words[0]).name == "driftcheck"]


@pytest.mark.parametrize("page", [*PAGES, *GUIDES])
def test_every_command_is_one(page: str) -> None:
    """Its options exist and accept their values; paths of the reader need not exist."""
    context = click.Context(driftcheck, info_name="driftcheck")
    for name, *arguments in commands(page):
        command = driftcheck.get_command(context, name)
        assert command is not None, name
        command.make_context(name, arguments, parent=context)


@pytest.mark.parametrize("page", PAGES)
def test_every_piece_of_yaml_is_valid(page: str) -> None:
    for block in blocks(page, "yaml"):
        value = yaml.load(block, yaml.BaseLoader) if "expires" in block else yaml.safe_load(block)
        if isinstance(value, list):
            assert all({"uses", "run"} & step.keys() for step in value)
        elif "deployments" in value:
            value = yaml.safe_load(re.sub(r"(expires: )(\S+)", r'\1"\2"', block))
            assert validate(value) == ()
        else:
            assert validate(value, "config") == ()


def test_the_example_declaration_passes_validate(tmp_path: Path) -> None:
    (example,) = (block for block in blocks("README.md", "yaml") if "deployments:" in block)
    (tmp_path / "deployments.yaml").write_text(example)
    result = run_inside("validate", "--fail-on", "warning", cwd=tmp_path)
    assert result.status == 0, result.output


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / target).exists(), target
    for name in re.findall(r"`((?:docs|examples|schemas|tests|driftcheck)/[\w./-]+)`", text):
        assert (ROOT / name).exists(), name


def test_the_tables_are_complete() -> None:
    listed = {name for row in table("Commands") for name in re.findall(r"`(\w+)`", row[0])}
    assert listed == COMMANDS.keys()
    assert [row[0] for row in table("Exit status")] == [str(int(status)) for status in ExitStatus]
    formats = re.search(r"Formats: (.*?);", README, re.DOTALL)
    assert formats is not None
    assert set(re.findall(r"`(\w+)`", formats[1])) == FORMATS.keys()


def test_no_placeholder_is_left() -> None:
    for page in PAGES:
        assert "@@" not in (ROOT / page).read_text(encoding="utf-8")
