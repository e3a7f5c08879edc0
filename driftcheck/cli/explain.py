"""`driftcheck explain`: describe a rule, a field or a policy."""

from __future__ import annotations

import click

from driftcheck.cli import console
from driftcheck.errors import UsageError
from driftcheck.explanations import explain, overview, suggest
from driftcheck.model import HousePolicy
from driftcheck.rules import POLICY_PREFIX, RULES


def _names(_context: click.Context, _parameter: click.Parameter, typed: str) -> list[str]:
    return [rule for rule in RULES if rule.startswith(typed)]


@click.command("explain")
@click.argument("name", required=False, shell_complete=_names)
@click.option("--config", metavar="FILE", help="Read policies from this file instead of the nearest driftcheck.yaml.")
def command(name: str | None, config: str | None) -> None:
    """Explain NAME: a rule id, a field path such as source_config.resource_spec.cpu_limit, or policy:ID.

    Without NAME, list what can be explained.
    """
    policies: tuple[HousePolicy, ...] = ()
    if name is None or name.startswith(POLICY_PREFIX):
        from driftcheck.cli.run import configuration  # slow to load
        from driftcheck.settings import Flags

        policies = configuration(Flags(config=config)).policies
    text = overview(policies) if name is None else explain(name, policies)
    if text is None:
        close = suggest(name or "", policies)
        raise UsageError(
            "no rule, field or policy has this name",
            hint=f"Did you mean {' or '.join(close)}?" if close else "`driftcheck explain` lists them.",
        )
    console.write(text if text.endswith("\n") else text + "\n")
