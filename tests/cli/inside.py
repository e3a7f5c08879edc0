"""The command in the process of the test: fast enough for hundreds of runs."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from driftcheck.cli.main import main
from tests.cli.command import environment


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a run."""

    status: int
    out: str
    err: str

    @property
    def output(self) -> str:
        """Both streams together."""
        return self.out + self.err


def run_inside(*arguments: str | Path, cwd: Path, env: Mapping[str, str] | None = None, stdin: bytes = b"") -> Result:
    """Run the command line in this process, with its own folder and environment."""
    out, err = _stream(), _stream()
    before, handler = Path.cwd(), signal.getsignal(signal.SIGTERM)
    os.chdir(cwd)
    try:
        with (
            mock.patch.dict(os.environ, environment(**(env or {})), clear=True),
            mock.patch.multiple("sys", stdout=out, stderr=err, stdin=io.TextIOWrapper(io.BytesIO(stdin))),
        ):
            status = main([str(argument) for argument in arguments])
    finally:
        os.chdir(before)
        signal.signal(signal.SIGTERM, handler)
    return Result(int(status), _text(out), _text(err))


def _stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n")


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()
