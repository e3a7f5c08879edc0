"""`driftcheck emulate`: a snapshot as an endpoint on loopback."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from driftcheck.cli import console
from driftcheck.errors import UsageError

if TYPE_CHECKING:
    from driftcheck.live.plan import Plan


@click.command("emulate")
@click.argument("snapshot", metavar="SNAPSHOT")
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="Port on 127.0.0.1. Default: any that is free.")
@click.option("--plan", metavar="FILE", help="How it behaves, faults and changes included, as YAML or JSON.")
@click.option("--order", metavar="ORDER", help="Order of the list: given, reversed, name, newest or random.")
def command(snapshot: str, port: int, plan: str | None, order: str | None) -> int:
    """Serve SNAPSHOT on loopback as the list endpoint would, until interrupted: for trials and tests.

    The base URL is the first line on standard output. Needs the extra: pip install 'driftcheck[emulator]'.
    """
    from driftcheck.live import emulator
    from driftcheck.live.snapshot import read

    behaviour = _plan(plan)
    if order is not None:
        behaviour = replace(behaviour, order=order)
    listed = read(snapshot)
    app = emulator.create_app([deployment.value for deployment in listed.deployments], plan=behaviour)
    emulator.serve(app, port=port, ready=_tell)
    return 0


def _plan(file: str | None) -> Plan:
    from driftcheck.live.plan import Plan, read_plan
    from driftcheck.live.snapshot import read_text
    from driftcheck.yamlfile import reader

    if file is None:
        return Plan()
    parsed = reader.parse(read_text(file).encode())
    if parsed.problems or len(parsed.documents) != 1:
        raise UsageError("The plan is no sound YAML or JSON document.", hint="driftcheck/live/plan.py names its keys.")
    return read_plan(parsed.documents[0])


def _tell(url: str) -> None:
    console.write(f"{url}\n")
    console.say(f"Serving until interrupted. Ask it with: LANGGRAPH_HOST_URL={url} LANGSMITH_API_KEY=anything")
