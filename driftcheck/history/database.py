"""The database of recorded runs: one transaction at a time, on SQLite or PostgreSQL.

The statements are the same for both. SQLite is opened with the standard library: importing SQLAlchemy takes
longer than recording a run, and SQLite does not need it.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias
from urllib.parse import quote

from driftcheck.errors import DriftcheckError, ExitStatus, UsageError

if TYPE_CHECKING:
    import sqlite3

Value: TypeAlias = str | int | float | bytes | None
Row: TypeAlias = Sequence[Any]

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        "CREATE TABLE driftcheck_schema (version INTEGER NOT NULL)",
        "CREATE TABLE driftcheck_runs (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, generated_at TEXT NOT NULL, "
        "info TEXT NOT NULL, sha256 TEXT NOT NULL, report {blob} NOT NULL)",
        "CREATE TABLE driftcheck_parts (run INTEGER NOT NULL, stream TEXT NOT NULL, generated_at TEXT NOT NULL, "
        "conclusive INTEGER NOT NULL, review INTEGER NOT NULL, reach TEXT NOT NULL, info TEXT NOT NULL, "
        "PRIMARY KEY (run, stream))",
        "CREATE INDEX driftcheck_parts_by_time ON driftcheck_parts (stream, generated_at)",
        "CREATE TABLE driftcheck_items (id INTEGER PRIMARY KEY, stream TEXT NOT NULL, fingerprint TEXT NOT NULL, "
        "first_seen TEXT NOT NULL, resolved_at TEXT, info TEXT NOT NULL)",
        "CREATE UNIQUE INDEX driftcheck_open_items ON driftcheck_items (stream, fingerprint) WHERE resolved_at IS NULL",
        "CREATE INDEX driftcheck_items_by_fingerprint ON driftcheck_items (stream, fingerprint)",
        "CREATE TABLE driftcheck_outbox (id INTEGER PRIMARY KEY, destination TEXT NOT NULL, "
        "claimed_until DOUBLE PRECISION NOT NULL, message TEXT NOT NULL)",
    ),
)
"""The statements that bring the schema from each version to the next. Never edit one that was released."""

_BUSY_SECONDS: Final = 30.0
_LOCK: Final = 0x64726966
"""The key of PostgreSQL's advisory lock, which writers hold for the length of their transaction."""
_POSTGRES: Final = re.compile(r"postgres(?:ql)?(?:\+psycopg)?://")


class HistoryError(DriftcheckError):
    """A history that can't be read or written; never holds a part of its address that could be a password."""

    status = ExitStatus.INVALID


class Execute(Protocol):
    """Runs a statement with named parameters, and returns its rows."""

    def __call__(self, statement: str, /, **values: Value) -> list[Row]:
        """Run a statement."""


@contextlib.contextmanager
def transaction(url: str, *, write: bool) -> Iterator[Execute]:
    """Open the database and hold a transaction while the body runs: all or nothing is kept.

    A database of an older version is upgraded first, in the same transaction. Raises HistoryError or UsageError.
    """
    if url.startswith("sqlite:///"):
        with _sqlite(url.removeprefix("sqlite:///"), write=write) as execute:
            yield execute
    elif _POSTGRES.match(url):
        with _postgres(url) as execute:
            yield execute
    else:
        raise UsageError(
            "--history takes the URL of a database, and what was given is not one.",
            hint="Write sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE.",
        )


def compact(url: str) -> None:
    """Return the space of deleted rows to the system; PostgreSQL does that itself."""
    if url.startswith("sqlite:///"):
        file = url.removeprefix("sqlite:///")
        with _connected(file) as connection, _sqlite_errors(file):
            connection.execute("VACUUM")


@contextlib.contextmanager
def _connected(file: str) -> Iterator[sqlite3.Connection]:
    import sqlite3

    with _sqlite_errors(file):
        connection = sqlite3.connect(
            f"file:{quote(file)}?mode=rw", uri=True, timeout=_BUSY_SECONDS, isolation_level=None
        )
    with contextlib.closing(connection):
        yield connection


@contextlib.contextmanager
def _sqlite(file: str, *, write: bool) -> Iterator[Execute]:
    if not file or file.startswith(":") or "?" in file:
        raise UsageError("--history needs the name of a file after sqlite:///.", hint="Write sqlite:///FILE.")
    if write:
        _create(file)
    elif not os.path.exists(file):
        raise HistoryError(f"{file}: no such file.", hint="A run with --history creates it.")
    with _connected(file) as connection:

        def execute(statement: str, /, **values: Value) -> list[Row]:
            with _sqlite_errors(file):
                return connection.execute(statement, values).fetchall()

        execute("PRAGMA trusted_schema = OFF")  # a file may have been planted: no function runs from its schema
        execute("BEGIN IMMEDIATE" if write else "BEGIN")
        try:
            version = _sqlite_version(execute, file)
            if not write and version < len(MIGRATIONS):
                execute("ROLLBACK")
                execute("BEGIN IMMEDIATE")
                version = _sqlite_version(execute, file)  # another process may have upgraded it
            _migrate(execute, version, blob="BLOB")
            yield execute
        except BaseException:
            with contextlib.suppress(HistoryError):
                execute("ROLLBACK")
            raise
        execute("COMMIT")


def _create(file: str) -> None:
    """Create the file, readable only by its owner, because reports describe the infrastructure."""
    try:
        os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "the name can't be used"
        folder = os.path.dirname(file)
        hint = f"Create the folder {folder}." if folder and not os.path.lexists(folder) else None
        raise HistoryError(f"{file}: the history can't be written: {reason}.", hint=hint) from None


@contextlib.contextmanager
def _sqlite_errors(file: str) -> Iterator[None]:
    import sqlite3

    try:
        yield
    except sqlite3.Error as error:
        raise HistoryError(
            f"{file}: the history can't be used: {error}.",
            hint="The file is as it was. Where it is damaged, restore a copy or name another file.",
        ) from None


def _sqlite_version(execute: Execute, file: str) -> int:
    """Return the version of a file's schema, 0 if the file is empty.

    Refuses a file whose tables, triggers and views are not those of driftcheck: they could change what is stored.
    """
    if execute("PRAGMA quick_check(1)") != [("ok",)]:
        raise HistoryError(f"{file}: the history is damaged.", hint="Restore a copy, or name another file.")
    found = _objects(execute)
    if not found:
        return 0
    is_ours = ("table", "driftcheck_schema", "driftcheck_schema", MIGRATIONS[0][0]) in found
    version = _recorded_version(execute, file) if is_ours else 0
    if found not in _expected():
        raise HistoryError(
            f"{file}: this database is not a history of driftcheck, or has been tampered with.",
            hint="Name another file. This one was not changed.",
        )
    return version


def _objects(execute: Execute) -> list[tuple[Any, ...]]:
    return sorted(tuple(row) for row in execute("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master"))


def _expected() -> Iterator[list[tuple[Any, ...]]]:
    """Yield the objects of each version of the schema, as SQLite records them."""
    import sqlite3

    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        for statements in MIGRATIONS:
            for statement in statements:
                connection.execute(statement.format(blob="BLOB"))
            yield _objects(lambda statement, /, **_: connection.execute(statement).fetchall())


def _recorded_version(execute: Execute, source: str) -> int:
    """Return the version that a history records of its schema; a newer one than this driftcheck's is refused."""
    rows = execute("SELECT version FROM driftcheck_schema")
    if len(rows) != 1 or not isinstance(rows[0][0], int):
        raise HistoryError("The history does not say which version it has.", hint="Restore a copy of it.")
    version: int = rows[0][0]
    if version > len(MIGRATIONS):
        raise HistoryError(
            f"{source}: the history was written by a newer driftcheck (version {version} of its schema, and this "
            f"driftcheck knows {len(MIGRATIONS)}).",
            hint="Use that driftcheck, or name another history.",
        )
    return version


def _migrate(execute: Execute, version: int, *, blob: str) -> None:
    """Bring a schema to the version of this driftcheck."""
    for statements in MIGRATIONS[version:]:
        for statement in statements:
            execute(statement.format(blob=blob))
    if version == 0:
        execute("INSERT INTO driftcheck_schema (version) VALUES (:version)", version=len(MIGRATIONS))
    elif version < len(MIGRATIONS):
        execute("UPDATE driftcheck_schema SET version = :version", version=len(MIGRATIONS))


@contextlib.contextmanager
def _postgres(url: str) -> Iterator[Execute]:
    """Hold a transaction on PostgreSQL; writers take turns by an advisory lock.

    No text of the libraries below gets out: a URL that does not parse is repeated there with its password.
    """
    with _postgres_errors():
        import sqlalchemy

        engine = sqlalchemy.create_engine(
            "postgresql+psycopg://" + url.partition("://")[2],
            poolclass=sqlalchemy.NullPool,
            connect_args={"connect_timeout": 10},
        )
        connection = engine.connect()
    with contextlib.closing(connection):

        def execute(statement: str, /, **values: Value) -> list[Row]:
            with _postgres_errors():
                result = connection.execute(sqlalchemy.text(statement), values)
                return [tuple(row) for row in result] if result.returns_rows else []

        execute(f"SET LOCAL lock_timeout = '{_BUSY_SECONDS:.0f}s'")
        execute("SELECT pg_advisory_xact_lock(:lock)", lock=_LOCK)
        exists = execute("SELECT to_regclass('driftcheck_schema') IS NOT NULL")[0][0]
        _migrate(execute, _recorded_version(execute, "PostgreSQL") if exists else 0, blob="BYTEA")
        yield execute
        with _postgres_errors():
            connection.commit()


@contextlib.contextmanager
def _postgres_errors() -> Iterator[None]:
    try:
        yield
    except ImportError:
        raise HistoryError(
            "A history in PostgreSQL needs SQLAlchemy and psycopg, which are not installed.",
            hint="pip install 'langsmith-driftcheck[postgres]'",
        ) from None
    except Exception as error:
        raise HistoryError(_reason(error), hint="Check the address, the user's rights and the server's log.") from None


def _reason(error: Exception) -> str:
    """Return what kind of error it is, and PostgreSQL's code of it, which holds no secret."""
    cause = getattr(error, "orig", None) or error
    code = getattr(cause, "sqlstate", None)
    kind = type(cause).__name__
    return f"The history in PostgreSQL can't be used: {kind}" + (f" (SQLSTATE {code})." if code else ".")
