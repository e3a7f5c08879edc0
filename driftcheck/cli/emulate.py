"""`driftcheck emulate`: serve a snapshot as a control plane on loopback."""

from __future__ import annotations

import gc

import click

from driftcheck.cli import console


@click.command("emulate")
@click.argument("snapshot", metavar="SNAPSHOT")
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="Port on 127.0.0.1. Default: any free port.")
@click.option(
    "--order", default="given", metavar="ORDER", help="Order of the list: given, reversed, name, newest or random."
)
@click.option("--latency", type=click.FloatRange(0, 3600), default=0.0, help="Seconds before every response.")
@click.option(
    "--status",
    type=click.IntRange(200, 599),
    default=200,
    help="Status of every response, to try how a pipeline behaves when the service fails (429, 503).",
)
@click.option("--writable", is_flag=True, help="Also take POST and PATCH as documented; changes are not saved.")
def command(snapshot: str, port: int, order: str, latency: float, status: int, writable: bool) -> None:
    """Serve SNAPSHOT on loopback as the control plane would, until interrupted: for trials and tests.

    The base URL is the first line on standard output. Needs the package's extra `emulator`.
    """
    from driftcheck.live import emulator
    from driftcheck.live.snapshot import read, read_items

    behaviour = emulator.Behaviour(order=order, latency=latency, status=status, writable=writable)
    gc.enable()  # unlike a check, a server may run for days
    app = emulator.create_app(read_items(snapshot), behaviour)
    if snapshot != "-" and read(snapshot).gaps:
        console.say("warning: the snapshot is incomplete; it is served as if it were the whole listing.")
    emulator.serve(app, port=port, ready=_announce)


def _announce(url: str) -> None:
    console.write(f"{url}\n")
    console.say(f"Serving until interrupted. Use it with: LANGGRAPH_HOST_URL={url} LANGSMITH_API_KEY=anything")
