"""What is measured: the jobs of driftcheck, the commands they are compared with, and the goals."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tests.benchmark import history
from tests.benchmark.data import Data
from tests.benchmark.processes import Command

ROOT: Final = Path(__file__).parent.parent.parent
SCHEMA: Final = ROOT / "schemas" / "declaration.schema.json"
LATENCY: Final = 0.05
"""Seconds that the emulated control plane takes for each response."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A command that driftcheck is compared with, and the goals."""

    command: Command | None
    """None for a command that can't be run here."""
    times: float | None = None
    """The goal: driftcheck is at least this many times faster, ..."""
    at_most: float | None = None
    """... or takes at most this many times the peer's time."""
    memory_at_most: float | None = None
    """The goal for memory, in the same way."""
    more_at_most: float | None = None
    """The goal where only what driftcheck takes beyond the peer matters, in seconds of CPU time."""
    reason: str = ""
    """Why there is no command, to be shown instead."""


@dataclass(frozen=True, slots=True)
class Bench:
    """One job at one size: driftcheck's command and its peers."""

    ours: Command
    peers: tuple[Peer, ...]


@dataclass(frozen=True, slots=True)
class Job:
    """A job, and the numbers of deployments that it is measured with."""

    name: str
    title: str
    sizes: tuple[int, ...]
    decisive: tuple[int, ...]
    """Sizes at which the goals apply."""
    prepare: Callable[[Data, Path], AbstractContextManager[Bench]]
    """Returns the commands for the data of a size, given a folder for caches."""


def _environment(cache: Path) -> dict[str, str]:
    """Return variables with which each Python module is compiled once, whatever the caller's environment says."""
    return {"PYTHONPYCACHEPREFIX": str(cache / "pycache"), "NO_COLOR": "1"}


def _driftcheck(
    cache: Path, *arguments: str | Path, statuses: tuple[int, ...] = (0,), environment: Mapping[str, str] | None = None
) -> Command:
    script = shutil.which("driftcheck", path=str(Path(sys.executable).parent))
    program = [script] if script else [sys.executable, "-m", "driftcheck"]
    return Command(
        "driftcheck",
        (*program, *map(str, arguments)),
        {**_environment(cache), **(environment or {})},
        frozenset(statuses),
    )


def _script(cache: Path, name: str, *arguments: str | Path) -> Command:
    program = Path(__file__).parent / "peers" / f"{name}.py"
    return Command(name, (sys.executable, str(program), *map(str, arguments)), _environment(cache))


def _obvious(data: Data, live: Path, cache: Path, times: float) -> Peer:
    return Peer(_script(cache, "obvious", SCHEMA, live, data.declared), times=times)


@contextlib.contextmanager
def _help(data: Data, cache: Path) -> Iterator[Bench]:
    del data
    click = Command("import click", (sys.executable, "-c", "import click"), _environment(cache))
    yield Bench(_driftcheck(cache, "--help"), (Peer(click, at_most=1.1),))


@contextlib.contextmanager
def _validate(data: Data, cache: Path) -> Iterator[Bench]:
    files = [str(file) for file in data.files]
    script = shutil.which("check-jsonschema", path=str(Path(sys.executable).parent)) or shutil.which("check-jsonschema")
    checker = Peer(None, reason="check-jsonschema is not installed")
    if script:
        arguments = (script, "--schemafile", str(SCHEMA), *files)
        checker = Peer(Command("check-jsonschema", arguments, _environment(cache)), times=25)
    yield Bench(_driftcheck(cache, "validate", data.declared), (checker, _ajv(files, cache)))


def _ajv(files: list[str], cache: Path) -> Peer:
    """Return ajv-cli, which is installed into the cache first if node and npm are available."""
    if not (shutil.which("node") and shutil.which("npm")):
        return Peer(None, reason="ajv-cli needs node and npm, which are not installed")
    program = cache / "ajv" / "node_modules" / ".bin" / "ajv"
    if not program.exists():
        install = ("npm", "install", "--silent", "--prefix", str(cache / "ajv"), "ajv-cli@5")
        if subprocess.run(install, stdout=subprocess.DEVNULL, check=False).returncode:
            return Peer(None, reason="npm could not install ajv-cli")
    data = [argument for file in files for argument in ("-d", file)]
    options = ("--spec=draft2020", "--strict=false", "-s", str(SCHEMA))
    return Peer(Command("ajv-cli", (str(program), "validate", *options, *data), {}), times=1)


@contextlib.contextmanager
def _in_sync(data: Data, cache: Path) -> Iterator[Bench]:
    is_large = data.size >= 10_000
    command = _script(cache, "floor", data.in_sync, data.declared)
    floor = Peer(command, at_most=1.25 if is_large else 2.0, memory_at_most=1.5 if is_large else None)
    obvious = _obvious(data, data.in_sync, cache, 25 if is_large else 14)
    yield Bench(_driftcheck(cache, "check", data.declared, "--live", data.in_sync), (floor, obvious))


@contextlib.contextmanager
def _drifted(data: Data, cache: Path) -> Iterator[Bench]:
    ours = _driftcheck(cache, "check", data.declared, "--live", data.drifted, statuses=(1,))
    if data.size < 10_000:
        yield Bench(ours, (_obvious(data, data.drifted, cache, 12),))
        return
    in_sync = replace(_driftcheck(cache, "check", data.declared, "--live", data.in_sync), name="driftcheck, in sync")
    yield Bench(ours, (Peer(in_sync, at_most=1.6),))


@contextlib.contextmanager
def _over_http(declared: Path, data: Data, cache: Path, times: float | None) -> Iterator[Bench]:
    """Serve the listing while the commands are measured."""
    arguments = (sys.executable, "-m", "tests.benchmark.server", str(data.in_sync), str(LATENCY))
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            key = {"LANGSMITH_API_KEY": "lsv2_benchmark"}
            ours = _driftcheck(cache, "check", declared, "--endpoint", url, environment=key)
            yield Bench(ours, (_langgraph(url, key, cache, times),))
        finally:
            server.terminate()


def _langgraph(url: str, key: dict[str, str], cache: Path, times: float | None) -> Peer:
    script = shutil.which("langgraph", path=str(Path(sys.executable).parent)) or shutil.which("langgraph")
    if not script:
        return Peer(None, reason="langgraph-cli is not installed")
    environment = {**_environment(cache), **key, "LANGGRAPH_HOST_URL": url, "LANGGRAPH_CLI_NO_ANALYTICS": "1"}
    return Peer(Command("langgraph deploy list", (script, "deploy", "list", "--json"), environment), times=times)


@contextlib.contextmanager
def _history(data: Data, cache: Path, *arguments: str) -> Iterator[Bench]:
    """Fill a history before a command is measured, in a separate process."""
    file = data.in_sync.parent / f"history-{len(arguments)}.db"
    url = f"sqlite:///{file}"
    subprocess.run((sys.executable, "-m", "tests.benchmark.history", url, str(data.size)), cwd=ROOT, check=True)
    check = ("check", data.declared, "--live", data.in_sync, "--report-id", history.IDENTITY)
    if arguments:
        yield Bench(_driftcheck(cache, *arguments, "--history", url), (Peer(None, reason="goal: at most 0.3 s"),))
        return
    plain = replace(_driftcheck(cache, *check), name="driftcheck without --history")
    yield Bench(_driftcheck(cache, *check, "--history", url), (Peer(plain, more_at_most=0.3),))


JOBS: Final = (
    Job("help", "`driftcheck --help`", (1,), (1,), _help),
    Job("validate", "`validate`", (100, 1_000, 10_000), (1_000,), _validate),
    Job("in-sync", "`check --live`, in sync", (1, 100, 1_000, 10_000), (1_000, 10_000), _in_sync),
    Job(
        "drifted",
        "`check --live`, every deployment drifted in two fields",
        (100, 1_000, 10_000),
        (1_000, 10_000),
        _drifted,
    ),
    Job(
        "http-some",
        "`check` over HTTP, 100 of the live deployments declared",
        (2_000, 10_000),
        (2_000, 10_000),
        lambda data, cache: _over_http(data.some_declared, data, cache, 2.5),
    ),
    Job(
        "http-all",
        "`check` over HTTP, all declared",
        (2_000, 10_000),
        (),
        lambda data, cache: _over_http(data.declared, data, cache, None),
    ),
    Job(
        "history-record",
        "`check --history` after 365 runs",
        (1_000,),
        (1_000,),
        _history,
    ),
    Job(
        "history-open",
        "`history open`, 365 runs and 50 open items",
        (1_000,),
        (1_000,),
        lambda data, cache: _history(data, cache, "history", "open"),
    ),
)


def cache_folder() -> Path:
    """Return the folder for what is installed and compiled once."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "driftcheck-benchmark"
