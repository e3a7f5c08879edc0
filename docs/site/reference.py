"""The reference pages, generated from the code: `python docs/site/reference.py FOLDER` writes them.

Without a folder it writes docs/rules.md, which is kept in the repository: findings in code scanning link to it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from driftcheck import fields
from driftcheck.cli.main import COMMANDS, driftcheck
from driftcheck.errors import ExitStatus
from driftcheck.explanations import GROUPS, advice, overview

ROOT = Path(__file__).resolve().parents[2]
STATUSES = {
    ExitStatus.IN_SYNC: "Everything was read, checked and compared; nothing counts by `--fail-on`.",
    ExitStatus.DRIFT: "Something differs or is missing, or a finding counts by `--fail-on`.",
    ExitStatus.INVALID: "The command line, the configuration or a file is invalid.",
    ExitStatus.INCOMPLETE: "The check was inconclusive: no key, no connection, an incomplete listing.",
    ExitStatus.DEFECT: "An internal error, or a report that could not be written.",
}


def pages() -> dict[str, str]:
    """Return the text of each page, by its file name."""
    return {
        "commands.md": _commands(),
        "configuration.md": _configuration(),
        "fields.md": _fields(),
        "schemas.md": _schemas(),
        "exit-status.md": _exit_status(),
    }


def rules_page() -> str:
    """Return docs/rules.md: all rules by group, with their examples."""
    examples = {example.stem for example in (ROOT / "examples" / "invalid").iterdir()}
    text = (
        "# Rules\n\n"
        "Every finding names one of these rules. `driftcheck explain RULE` prints the same text; `severities` in\n"
        "`driftcheck.yaml` changes how severe one is. This page is generated from `driftcheck/rules.py`. What is\n"
        "known of the service is in [API.md](API.md), with its sources.\n"
    )
    for heading, rules in GROUPS.items():
        text += f"\n## {heading}\n"
        for rule in rules.values():
            text += f"\n### {rule.id}\n\n**{rule.severity}**: {rule.title}.\n\n{advice(rule)}\n"
            if rule.id in examples:
                text += f"\n[Example](../examples/invalid/{rule.id}.yaml)\n"
    return text


def _commands() -> str:
    context = click.Context(driftcheck, info_name="driftcheck", max_content_width=100)
    parts = ["# Commands", "The texts of `--help`. Every option has a variable, too: `DRIFTCHECK_<COMMAND>_<OPTION>`."]
    for name in COMMANDS:
        command = driftcheck.get_command(context, name)
        assert command is not None
        parts += _help(command, name, context, "##")
    return "\n\n".join(parts) + "\n"


def _help(command: click.Command, name: str, parent: click.Context, level: str) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent, max_content_width=100)
    yield f"{level} {context.command_path.removeprefix('driftcheck ')}"
    yield f"```text\n{context.get_help()}\n```"
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            assert found is not None
            yield from _help(found, inner, context, f"{level}#")


def _configuration() -> str:
    schema = fields.schema("config")
    parts = [
        "# Configuration",
        "The keys of `driftcheck.yaml`. driftcheck uses the nearest one from the current folder up to the root of "
        "the repository.",
    ]
    parts.append(_properties(schema))
    for name, part in schema["$defs"].items():
        if "properties" in part:
            parts += [f"## {name}", part.get("description", ""), _properties(part)]
    return "\n\n".join(parts) + "\n"


def _properties(schema: dict[str, Any]) -> str:
    rows = ["| key | type | meaning |", "|---|---|---|"]
    required = schema.get("required", ())
    for key, value in schema["properties"].items():
        note = " Required." if key in required else ""
        rows.append(f"| `{key}` | {_cell(_type(value))} | {_cell(value.get('description', ''))}{note} |")
    return "\n".join(rows)


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix("#/$defs/")
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    kinds = schema.get("type", "any")
    return " or ".join(kinds) if isinstance(kinds, list) else str(kinds)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _fields() -> str:
    intro = "The list that `driftcheck explain` prints. `driftcheck explain NAME` says more."
    return f"# Fields and rules\n\n{intro}\n\n```text\n{overview().rstrip()}\n```\n"


def _schemas() -> str:
    parts = ["# Schemas", "The schemas that `driftcheck schema NAME` prints. The `$id` of a schema does not change."]
    for name in fields.SCHEMAS:
        schema = fields.schema(name)
        parts += [f"## {name}", schema["description"] if "description" in schema else schema["title"]]
        parts.append(f"`$id`: `{schema['$id']}`")
        parts.append('??? note "The schema"\n\n' + _indented(f"```json\n{json.dumps(schema, indent=2)}\n```"))
    return "\n\n".join(parts) + "\n"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in text.splitlines())


def _exit_status() -> str:
    rows = ["| status | meaning |", "|---|---|", *(f"| {int(status)} | {STATUSES[status]} |" for status in ExitStatus)]
    after = (
        "The status is the first of 4, 2, 3, 1, 0 that applies, over all targets. The report is written in any case."
    )
    return "\n\n".join(["# Exit status", "\n".join(rows), after]) + "\n"


if __name__ == "__main__" and len(sys.argv) == 1:
    (ROOT / "docs" / "rules.md").write_text(rules_page(), encoding="utf-8")
elif __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")
