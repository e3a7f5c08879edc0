"""One server for all emulated endpoints of these tests: starting and ending one for each takes too long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest

from tests.loopback import running

Emulate: TypeAlias = Callable[[Any], str]


@pytest.fixture(scope="session")
def emulate() -> Iterator[Emulate]:
    """Return a function that serves an application below its own path and returns its base URL."""
    apps: dict[str, Any] = {}

    async def switchboard(scope: Any, receive: Any, send: Any) -> None:
        _, prefix, rest = scope["path"].split("/", 2)
        await apps[prefix]({**scope, "path": f"/{rest}", "raw_path": f"/{rest}".encode()}, receive, send)

    def mount(app: Any) -> str:
        prefix = f"app{len(apps)}"
        apps[prefix] = app
        return f"{url}/{prefix}"

    with running(switchboard) as url:
        yield mount
