"""`driftcheck schema`: print the JSON Schemas."""

from __future__ import annotations

import click

from driftcheck import fields
from driftcheck.cli import console


@click.command("schema")
@click.argument("name", type=click.Choice(fields.SCHEMAS))
def command(name: str) -> None:
    """Print the JSON Schema of declarations, the configuration, JSON reports, snapshots, notifications or plans."""
    console.write(fields.schema_text(name))
