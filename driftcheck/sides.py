"""The two sides of a run: declarations and live, read at the same time."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, TypeAlias

from driftcheck import environment, settings
from driftcheck.errors import DriftcheckError, LiveError, UsageError
from driftcheck.model import Declarations, Snapshot
from driftcheck.settings import Settings

if TYPE_CHECKING:
    from concurrent.futures import Future

    from driftcheck.baseline import BaseRevision


Runs: TypeAlias = "Sequence[tuple[Settings, BaseRevision | None]]"
"""One run for each target, or one without targets; with --base, what the change under review is compared with."""


def read(runs: Runs, progress: Callable[[int], None]) -> list[tuple[Declarations, Snapshot | DriftcheckError]]:
    """Read declarations and live for every run: all listings in the background, while the files are parsed.

    A live side that can't be read is returned as its error. Raises UsageError for declarations that can't be read.
    """
    from concurrent.futures import Future, ThreadPoolExecutor

    at_once, chosen = settings.share_connections([run for run, _ in runs])
    pool = ThreadPoolExecutor(max(at_once, 1), thread_name_prefix="listing")
    names: list[Future[Collection[str]]] = [Future() for _ in runs]
    seen = [0] * len(runs)

    def count(number: int, deployments: int) -> None:
        seen[number] = deployments
        progress(sum(seen))

    try:
        listings = [
            pool.submit(read_live, run, names[number].result, partial(count, number))
            for number, run in enumerate(chosen)
        ]
        declared = []
        for (run, base), future in zip(runs, names, strict=True):
            declared.append(read_declarations(run, base))
            future.set_result([declaration.name for declaration in declared[-1].deployments])
        return list(zip(declared, [_result(listing) for listing in listings], strict=True))
    finally:
        for future in names:
            future.cancel()
        pool.shutdown(wait=False, cancel_futures=True)


def _result(listing: Future[Snapshot]) -> Snapshot | DriftcheckError:
    try:
        return listing.result()
    except DriftcheckError as error:
        return error


def read_declarations(chosen: Settings, base: BaseRevision | None = None) -> Declarations:
    """Read the files that the settings name; raises UsageError for a path that names nothing.

    With a base, and in a sparse checkout, files of HEAD that are not checked out are read, too.
    """
    from driftcheck.declarations import discovery, loader

    if not chosen.paths:
        return Declarations()
    suffix = chosen.name_suffix
    if base is not None:
        left_out, elsewhere = base.left_out(chosen.paths)
    elif discovery.is_sparse_checkout(os.getcwd()):
        from driftcheck.declarations import git

        left_out, elsewhere = git.in_sparse_checkout(FilePath.cwd(), environment.variables(), chosen.paths)
    else:
        left_out, elsewhere = discovery.Sources(), set()
    if not (left_out.texts or left_out.findings):
        return loader.load(chosen.paths, stdin=_read_stdin, name_suffix=suffix, in_processes=True)
    sources = discovery.read(chosen.paths, stdin=_read_stdin, elsewhere=elsewhere)
    declarations = loader.declare((*sources.texts, *left_out.texts), name_suffix=suffix, in_processes=True)
    return loader.with_refusals(declarations, (*sources.findings, *left_out.findings))


def _read_stdin() -> bytes:
    from driftcheck.declarations.discovery import MAX_BYTES

    if sys.stdin is None:
        raise UsageError("standard input is closed.", hint="Name a file instead of -.")
    return sys.stdin.buffer.read(MAX_BYTES + 1)


def read_live(
    chosen: Settings, declared_names: Callable[[], Collection[str]], progress: Callable[[int], None]
) -> Snapshot:
    """Read the live side from a file or the network; raises LiveError, InputError or UsageError."""
    if chosen.live is not None:
        from driftcheck.live import listing, snapshot

        saved = snapshot.read(chosen.live)
        asked = chosen.workspace
        if asked is not None:
            hint = f"Name a listing of that workspace with --live, or change {asked.origin}."
            listing.require_workspace(saved.workspace, asked.id, asked.origin, hint)
        return listing.narrowed(saved, chosen.scope)
    connection = settings.connection(chosen)
    from driftcheck.live.fetch import fetch

    return fetch(connection, names=declared_names, scope=chosen.scope, progress=progress)


def unread_snapshot(chosen: Settings, error: DriftcheckError) -> Snapshot:
    """Return the snapshot of a live side that could not be read: one gap, so that the rest is still reported."""
    message = f"{error.message.removesuffix('.')}. {error.hint or ''}".rstrip()
    return Snapshot(
        source=chosen.live or (chosen.access.endpoint if chosen.access else ""),
        deployments=(),
        workspace=chosen.workspace.id if chosen.workspace else None,
        requests=error.requests if isinstance(error, LiveError) else 0,
        gaps=(message,),
        scope=chosen.scope,
    )
