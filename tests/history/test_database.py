"""Databases that are damaged, planted, older, newer or missing."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from driftcheck.errors import DriftcheckError, UsageError
from driftcheck.history import database, store
from driftcheck.history.database import HistoryError
from tests.history.reports import change, comparison, keep, report

RUN = report(1, [comparison("a", [change()])])


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER planted AFTER INSERT ON driftcheck_items BEGIN DELETE FROM driftcheck_items; END",
        "CREATE VIEW planted AS SELECT * FROM driftcheck_runs",
        "CREATE TABLE planted (x)",
        "DROP INDEX driftcheck_open_items",
        "ALTER TABLE driftcheck_runs ADD COLUMN planted",
    ],
)
def test_R10_a_file_with_other_objects_is_refused_and_left_as_it_was(sqlite: str, statement: str) -> None:
    keep(sqlite, "r1", RUN)
    file = Path(sqlite.removeprefix("sqlite:///"))
    with sqlite3.connect(file) as connection:
        connection.execute(statement)
    connection.close()
    before = file.read_bytes()
    with pytest.raises(HistoryError, match="tampered"):
        keep(sqlite, "r2", RUN)
    assert file.read_bytes() == before


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\x00" + b"\xff" * 4000])
def test_a_file_that_is_not_a_database_is_refused_and_left_as_it_was(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "history.db"
    file.write_bytes(content)
    with pytest.raises(HistoryError):
        keep(f"sqlite:///{file}", "r1", RUN)
    assert file.read_bytes() == content


def test_a_damaged_page_is_noticed(sqlite: str) -> None:
    for number in range(30):
        keep(sqlite, f"r{number}", RUN)
    file = Path(sqlite.removeprefix("sqlite:///"))
    content = bytearray(file.read_bytes())
    content[4096 * 3 : 4096 * 5] = b"\xaa" * 4096 * 2
    file.write_bytes(content)
    with pytest.raises(HistoryError):
        store.open_items(sqlite)


def test_H4_a_newer_schema_is_refused_with_a_hint(url: str) -> None:
    keep(url, "r1", RUN)
    with database.transaction(url, write=True) as execute:
        execute("UPDATE driftcheck_schema SET version = 99")
        if url.startswith("sqlite"):
            execute("CREATE TABLE driftcheck_of_the_future (x INTEGER)")
    with pytest.raises(HistoryError, match="newer") as caught:
        keep(url, "r2", RUN)
    assert caught.value.hint


@pytest.mark.parametrize("write", [True, False])
def test_an_older_schema_is_upgraded(url: str, write: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(url, "r1", RUN)
    added = ("ALTER TABLE driftcheck_runs ADD COLUMN later TEXT", "CREATE TABLE driftcheck_later (x INTEGER)")
    monkeypatch.setattr(database, "MIGRATIONS", (*database.MIGRATIONS, added))
    with database.transaction(url, write=write) as execute:
        assert execute("SELECT later FROM driftcheck_runs") == [(None,)]
    with database.transaction(url, write=False) as execute:
        assert execute("SELECT version FROM driftcheck_schema") == [(2,)]
    keep(url, "r2", RUN)


def test_an_upgrade_that_fails_leaves_the_older_schema(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(url, "r1", RUN)
    keep(url, "r2", RUN)
    fails = ("CREATE TABLE driftcheck_later (x INTEGER)", "CREATE UNIQUE INDEX later ON driftcheck_runs (generated_at)")
    with monkeypatch.context() as patched:
        patched.setattr(database, "MIGRATIONS", (*database.MIGRATIONS, fails))
        with pytest.raises(DriftcheckError), database.transaction(url, write=True):
            pass  # pragma: no cover
    assert len(store.runs(url)) == 2


@pytest.mark.parametrize(
    "address",
    [
        "postgresql+asyncpg://user:PASSWORD@localhost/x",
        "postgresql://user:PASSWORD@[broken/x",
        "postgresql://user:PASSWORD@localhost:PASSWORD/x",
        "postgresql+psycopg://user:PASSWORD@127.0.0.1:1/x",
        "postgresql+psycopg://user:PASSWORD@/x?host=/nowhere&nonsense=PASSWORD",
        "mysql://user:PASSWORD@localhost/x",
        "PASSWORD",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
    ],
)
def test_K9_an_address_that_can_not_be_used_is_not_repeated(address: str) -> None:
    with pytest.raises((HistoryError, UsageError)) as caught:
        keep(address, "r1", RUN)
    assert "PASSWORD" not in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.__cause__ is None


def test_reading_creates_no_file(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="no such file"):
        store.open_items(f"sqlite:///{tmp_path}/history.db")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_reported(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="can't be written"):
        keep(f"sqlite:///{tmp_path}/none/history.db", "r1", RUN)
