"""The text of the code follows CONTRIBUTING.md: references lead somewhere, and the words are the standard ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from driftcheck.cli.main import COMMANDS

ROOT = Path(__file__).parent.parent
MODULES = [path for folder in ("driftcheck", "tests", "docs") for path in sorted((ROOT / folder).rglob("*.py"))]
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in MODULES}
PAGES = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}


def found(pattern: str) -> Iterator[tuple[str, str]]:
    """Yield each match of a pattern in the code, white space squeezed, with its file."""
    for name, text in TEXTS.items():
        yield from ((name, match[1]) for match in re.finditer(pattern, " ".join(text.split())))


def sections() -> set[str]:
    """Return the numbers of the sections of docs/API.md, and of the items of their numbered lists."""
    numbers: set[str] = set()
    section = ""
    for line in PAGES["API.md"].splitlines():
        if heading := re.match(r"##+ (\d+(?:\.\d+)?)", line):
            section = heading[1]
            numbers.add(section)
        elif item := re.match(r"(\d+)\. ", line):
            numbers.add(f"{section}.{item[1]}")
    return numbers


def test_every_page_that_the_code_names_exists() -> None:
    named = set(found(r"docs/([\w-]+\.md)"))
    assert len(named) > 50
    assert [each for each in named if each[1] not in PAGES] == []


def test_every_section_of_the_facts_that_the_code_names_exists() -> None:
    known = sections()
    named = set(found(r"docs/API\.md (?:sections? )?(\d+(?:\.\d+)*(?:(?:, | and )\d+\.[\d.]*\d)*)"))
    assert len(named) > 40
    lacking = [
        (file, number) for file, text in named for number in re.findall(r"[\d.]*\d", text) if number not in known
    ]
    assert lacking == []


def test_every_heading_of_the_contract_that_the_code_names_exists() -> None:
    headings = re.findall(r"^## (.*)$", PAGES["contract.md"], re.MULTILINE)
    named = set(found(r"docs/contract\.md, \"?([A-Z][A-Za-z]+(?: (?:[a-z]+|--base))?)"))
    assert len(named) > 5
    assert [each for each in named if not any(heading.startswith(each[1]) for heading in headings)] == []


def test_the_architecture_names_every_module_and_no_other() -> None:
    page = PAGES["architecture.md"]
    layout = page[page.index("```") : page.rindex("```")]
    modules = {name.removeprefix("driftcheck/") for name in TEXTS if name.startswith("driftcheck/")}
    commands = {f"cli/{name}.py" for name in COMMANDS} | {"cli/init_targets.py"}
    stems = {Path(module).stem for module in modules}
    assert {Path(module).stem for module in modules - commands} - {*re.findall(r"\w+", layout)} <= {"_version"}
    assert {*re.findall(r"(\w+)\.py", layout)} <= stems
    named = set(re.findall(r"`((?!tests)[\w/]+\.py)`", page))
    assert [name for name in named if not any(f"/{module}".endswith(f"/{name}") for module in modules)] == []


def test_every_class_that_the_architecture_explains_exists() -> None:
    page = PAGES["architecture.md"]
    table = page[page.index("## Names of the code") : page.index("## Rules that keep it simple")]
    explained = set(re.findall(r"`([A-Z]\w+)`", table))
    assert len(explained) > 10
    assert explained - {name for _, name in found(r"\bclass (\w+)")} == set()


def test_docstrings_messages_and_pages_use_the_words_of_the_field() -> None:
    own = Path(__file__).relative_to(ROOT).as_posix()
    wrong = r"(\"\"\"(?:Give|Tell)\b|\b(?:told|untold|whoever|lest|mend|mends|mended)\b)"
    assert [each for each in found(wrong) if each[0] != own] == []
    assert [name for name, text in PAGES.items() if re.search(wrong, text)] == []
