"""`driftcheck explain`: a rule or a field."""

from __future__ import annotations

import click

from driftcheck.cli import console
from driftcheck.errors import UsageError


@click.command("explain")
@click.argument("name")
def command(name: str) -> int:
    """Explain NAME: a rule id, or a field path such as source_config.resource_spec.cpu_limit."""
    from driftcheck.explanations import explain, suggest

    text = explain(name)
    if text is None:
        close = suggest(name)
        raise UsageError(
            "There is neither a rule nor a field of this name.",
            hint=f"Did you mean {' or '.join(close)}?" if close else "Rules are listed in docs/rules.md.",
        )
    console.write(text if text.endswith("\n") else text + "\n")
    return 0
