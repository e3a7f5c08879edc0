"""Databases for the tests: a new SQLite file, and a PostgreSQL server that the tests start themselves."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

NUMBERS = count(1)


def binaries() -> Path | None:
    """Return the folder of PostgreSQL's own programs, newest first."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    found = shutil.which("postgres")
    return next(
        (path for path in [*folders, *([Path(found).parent] if found else [])] if (path / "initdb").exists()), None
    )


def unprivileged() -> dict[str, int]:
    """Return who runs the server, which refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("nobody")
    return {"user": user.pw_uid, "group": user.pw_gid}


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Path]:
    """Start a server on a socket; return the socket's folder."""
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL is not installed, so the history is not tried on it")
    folder = Path(tempfile.mkdtemp(prefix="driftcheck-postgres-"))
    who = unprivileged()
    if who:
        os.chown(folder, who["user"], who["group"])

    def run(*arguments: str) -> None:
        subprocess.run(arguments, check=True, capture_output=True, timeout=60, cwd=folder, **who)

    data = folder / "data"
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    try:
        run(str(programs / "initdb"), "-D", str(data), "-U", "tester", "-A", "trust", "-E", "UTF8", "--no-sync")
        run(str(programs / "pg_ctl"), "-D", str(data), "-o", options, "-l", str(folder / "log"), "-w", "start")
        try:
            yield folder
        finally:
            run(str(programs / "pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def new_postgres(server: Path) -> str:
    """Create a database and return its URL."""
    import psycopg

    name = f"history{os.getpid()}x{next(NUMBERS)}"
    with psycopg.connect(f"host={server} user=tester dbname=postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"postgresql+psycopg://tester@/{name}?host={server}"


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'history.db'}"


@pytest.fixture
def postgres(postgres_server: Path) -> str:
    return new_postgres(postgres_server)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest) -> str:
    """Return the URL of an empty history, on each kind of database."""
    value: str = request.getfixturevalue(request.param)
    return value
