"""Saved listings: reads snapshot files and raw responses of the API, and writes snapshots."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any, Final

from driftcheck import fields
from driftcheck.errors import InputError, LiveError
from driftcheck.live.listing import Page, bad_items, by_name, page_of, workspace_of
from driftcheck.model import JSON, Deployment, Snapshot
from driftcheck.redaction.values import storable
from driftcheck.strict_json import MalformedError, parse

KIND: Final = "driftcheck-snapshot"
FORMAT_VERSION: Final = "1.0"
MAX_FILE_BYTES: Final = 512 * 1024 * 1024

FULL_PAGES: Final = frozenset({20, 100})
"""Sizes of a full page: the endpoint's default and its maximum (docs/API.md 1.2)."""

_HINT: Final = "Expected a file written by `driftcheck snapshot`, or raw responses of the list endpoint."
_REPORT_HINT: Final = "Expected a report that `check` or `audit` wrote with -o json=FILE."


def read(path: str | os.PathLike[str]) -> Snapshot:
    """Read a saved listing: our own snapshot, one raw answer, or a list of raw answers; `-` is standard input.

    Raises InputError if it is not one of these, LiveError if it holds several workspaces.
    """
    shown = "standard input" if os.fspath(path) == "-" else os.fspath(path)
    data = _content(path, shown)
    try:
        value = parse(data)
        return _snapshot(value, shown) if _is_ours(value) else _raw(value, shown)
    except MalformedError as error:
        raise InputError(f"{shown} is not a saved listing: {error}.", hint=_HINT) from None
    except LiveError as error:
        raise LiveError(f"{shown}: {error.message}", hint=error.hint) from None


def read_items(path: str | os.PathLike[str]) -> list[JSON]:
    """Return the items of a saved listing in its own order, without values of secrets, also those without a name.

    Raises InputError.
    """
    shown = os.fspath(path)
    try:
        value = parse(_content(path, shown))
        answers = value if isinstance(value, list) else [value]
        pages = [{"resources": value.get("deployments")}] if _is_ours(value) else answers
        for page in pages:
            page_of(page)
    except MalformedError as error:
        raise InputError(f"{shown} is not a saved listing: {error}.", hint=_HINT) from None
    return [item for page in pages for item in page["resources"]]


def read_text(path: str | os.PathLike[str]) -> str:
    """Return the text of a saved report; raises InputError."""
    shown = "standard input" if os.fspath(path) == "-" else os.fspath(path)
    try:
        return _content(path, shown, _REPORT_HINT).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{shown} can't be read: not valid UTF-8.") from None


def _content(path: str | os.PathLike[str], shown: str, hint: str = _HINT) -> bytes:
    """Read a regular file, a pipe or standard input completely; other devices are refused, as they may be endless."""
    try:
        if os.fspath(path) == "-":
            content = sys.stdin.buffer.read(MAX_FILE_BYTES + 1) if sys.stdin else b""
        else:
            mode = os.stat(path).st_mode
            if not stat.S_ISREG(mode) and not stat.S_ISFIFO(mode):
                reason = "it is a folder" if stat.S_ISDIR(mode) else "it is not a regular file or a pipe"
                raise InputError(f"{shown} can't be read: {reason}.")
            with open(path, "rb") as file:
                content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else "it can't be opened"
        raise InputError(f"{shown} can't be read: {reason}.", hint=hint) from None
    except ValueError:
        raise InputError(f"{shown!r} can't be read: not a file name.") from None
    if len(content) > MAX_FILE_BYTES:
        raise InputError(f"{shown} can't be read: it is larger than {MAX_FILE_BYTES // 1024 // 1024} MiB.")
    if not content.strip():
        raise InputError(f"{shown} is empty.", hint=hint)
    return content


def _is_ours(value: JSON) -> bool:
    return isinstance(value, dict) and "kind" in value


def _snapshot(value: dict[str, Any], shown: str) -> Snapshot:
    """Read a snapshot of ours (snapshot.schema.json)."""
    version = value.get("format_version")
    if value.get("kind") != KIND or not isinstance(version, str):
        raise MalformedError('"kind" is not that of a snapshot')
    if version.partition(".")[0] != FORMAT_VERSION.partition(".")[0]:
        raise InputError(
            f"{shown} was written by another version of driftcheck, in a format that this one does not know.",
            hint="Read it with the driftcheck that wrote it, or take the snapshot again.",
        )
    deployments, found = _deployments([page_of({"resources": value.get("deployments")})])
    gaps = _texts(value.get("gaps", []), "gaps")
    scope = value.get("scope", {})
    if not isinstance(scope, dict) or not all(isinstance(text, str) for text in scope.values()):
        raise MalformedError('"scope" is not an object of strings')
    if value.get("complete") is not (not gaps):
        gaps = (*gaps, "The snapshot does not say that it is complete.")
    return Snapshot(
        source=_text(value, "source") or shown,
        deployments=deployments,
        workspace=workspace_of(deployments, _text(value, "workspace")),
        fetched_at=_text(value, "fetched_at"),
        pages=_count(value, "pages"),
        requests=_count(value, "requests"),
        gaps=tuple(dict.fromkeys((*gaps, *found))),
        scope=scope,
        warnings=_texts(value.get("warnings", []), "warnings"),
        target=_text(value, "target"),
    )


def _texts(value: JSON, name: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise MalformedError(f'"{name}" is not a list of strings')
    return tuple(value)


def _text(value: dict[str, Any], name: str) -> str | None:
    text = value.get(name)
    if text is not None and not isinstance(text, str):
        raise MalformedError(f'"{name}" is not a string')
    return text


def _count(value: dict[str, Any], name: str) -> int:
    count = value.get(name, 0)
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        raise MalformedError(f'"{name}" is not a count')
    return count


def _raw(value: JSON, shown: str) -> Snapshot:
    """Read one raw response or a list of them, in any order; one that may have been cut leaves a gap."""
    answers = value if isinstance(value, list) else [value]
    if not answers:
        raise MalformedError("it holds no page")
    pages = _in_order([page_of(answer) for answer in answers])
    deployments, gaps = _deployments(pages)
    return Snapshot(
        source=shown,
        deployments=deployments,
        workspace=workspace_of(deployments, None),
        pages=len(pages),
        gaps=(*gaps, *_cuts(pages)),
        warnings=tuple(_suspicions(pages)),
    )


def _in_order(pages: Sequence[Page]) -> list[Page]:
    """Sort pages by offset (docs/API.md 1.4); an empty page follows others of the same offset."""
    if _have_offsets(pages):
        return sorted(pages, key=lambda page: (page.offset, not len(page)))
    return list(pages)


def _have_offsets(pages: Sequence[Page]) -> bool:
    return all(type(page.offset) is int for page in pages)


def _cuts(pages: Sequence[Page]) -> Iterable[str]:
    """Report where a saved listing may lack something: before, between or behind its pages."""
    last = len(pages[-1])
    if last in FULL_PAGES or (len(pages) > 1 and last >= len(pages[0]) > 0):
        yield f"The saved listing ends with a full page of {last} and no empty one after it; there may be more."
    if any(not len(page) for page in pages[:-1]):
        yield "The saved listing has an empty page before its last one."
    if not _have_offsets(pages):
        yield from _doubts_without_offsets(pages)
    elif len(pages) == 1 and pages[0].offset > max(last, *FULL_PAGES):
        yield f"The offset of the saved page is {pages[0].offset}: it is not the first page."
    elif len(pages) > 1 and not _is_gapless(pages):
        yield "The offsets of the saved pages leave a hole between them; a page may be missing."


def _doubts_without_offsets(pages: Sequence[Page]) -> Iterable[str]:
    """Report where pages that are taken in the order of the file may lack one between them."""
    if any(page.offset is not None for page in pages):
        yield "Not every saved page has a whole number as its offset; a page may be missing."
    elif any(len(page) != len(pages[0]) for page in pages[1:-1]):
        yield "The saved pages before the last one differ in size; a page may be missing."


def _is_gapless(pages: Sequence[Page]) -> bool:
    """Return whether the offsets fit a listing without a hole under one reading (docs/API.md 1.4).

    They are those of the pages' starts, or of their ends; then the last one may count a full page instead.
    """
    ends = list(accumulate(map(len, pages)))
    starts = [end - len(page) for end, page in zip(ends, pages, strict=True)]
    offsets = [page.offset for page in pages]
    full = {starts[-1] + size for size in (len(pages[0]), *FULL_PAGES)}
    return offsets == starts or (offsets[:-1] == ends[:-1] and offsets[-1] in {ends[-1], *full})


def _suspicions(pages: Sequence[Page]) -> Iterable[str]:
    """Report a single response of a size that somebody may have requested as a limit."""
    size = len(pages[0])
    if len(pages) == 1 and size and size % 10 == 0 and size not in FULL_PAGES:
        yield f"The saved listing has exactly {size} deployments; if that was the limit of the request, there are more."


def _deployments(pages: Sequence[Page]) -> tuple[tuple[Deployment, ...], tuple[str, ...]]:
    """Return the deployments of all pages, each id once, and a gap for each inconsistency."""
    starts = [end - len(page) for end, page in zip(accumulate(map(len, pages)), pages, strict=True)]
    found: dict[str, Deployment] = {}
    twice = False
    for start, page in zip(starts, pages, strict=True):
        for position, (identity, deployment) in enumerate(zip(page.ids, page.deployments, strict=True), start):
            key = identity or f"\0{position}"
            twice = twice or key in found
            if deployment is not None:
                found.setdefault(key, deployment)
    gaps = bad_items(zip(starts, pages, strict=True))
    if twice:
        gaps = (*gaps, "The saved listing has the same id more than once: it changed while it was read.")
    return by_name(found.values()), gaps


def write(snapshot: Snapshot) -> str:
    """Return a snapshot as JSON (snapshot.schema.json), redacted, a line for each deployment, ASCII only.

    Values of containers' `env`, URLs with a user part and credentials of a known form are replaced by
    `model.REDACTED_MARKER`, or masked if they are keys; values of `secrets` were dropped while parsing.
    """
    document = {
        "kind": KIND,
        "format_version": FORMAT_VERSION,
        "source": snapshot.source,
        "workspace": snapshot.workspace,
        **({"target": snapshot.target} if snapshot.target else {}),
        "fetched_at": snapshot.fetched_at,
        "scope": dict(sorted(snapshot.scope.items())),
        "complete": snapshot.complete,
        "gaps": list(snapshot.gaps),
        "warnings": list(snapshot.warnings),
        "pages": snapshot.pages,
        "requests": snapshot.requests,
        "deployments": [],
    }
    values = (storable(dict(deployment.value), fields.deployment()) for deployment in by_name(snapshot.deployments))
    lines = [json.dumps(value, allow_nan=False) for value in values]
    inner = "".join(f"\n    {line}," for line in lines).rstrip(",") + "\n  " * bool(lines)
    return json.dumps(document, indent=2).removesuffix("]\n}") + f"{inner}]\n}}\n"
