"""Serves a saved listing as the control plane would, each response after some seconds, until interrupted.

`python -m tests.benchmark.server LISTING SECONDS` writes its address as its first line.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from driftcheck.live.emulator import Behaviour, create_app, serve


def main(listing: str, latency: str) -> None:
    """Serve the listing in a file."""
    pages = json.loads(Path(listing).read_bytes())
    deployments = [deployment for page in pages for deployment in page["resources"]]
    serve(create_app(deployments, Behaviour(latency=float(latency))), ready=_announce)


def _announce(url: str) -> None:
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
