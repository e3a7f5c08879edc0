"""Paths -> Declarations: reads the files and brings together what each declares.

A broken file, document or deployment does not stop the others; what could not be read makes the declarations
incomplete.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from driftcheck.declarations import companion, files
from driftcheck.declarations.files import SourceText
from driftcheck.model import Declaration, Declarations, Finding, Location

if TYPE_CHECKING:
    from driftcheck.declarations.documents import Declared

MAX_BYTES: Final = files.MAX_BYTES


def load(paths: Sequence[str], *, stdin: Callable[[], bytes] | None = None, here: str | None = None) -> Declarations:
    """Read the declarations that paths name (`files.read` says how); `stdin` gives what `-` stands for.

    Raises UsageError where a path names nothing.
    """
    with reading(paths, stdin=stdin, here=here) as declared:
        return declared()


@contextlib.contextmanager
def reading(
    paths: Sequence[str], *, stdin: Callable[[], bytes] | None = None, here: str | None = None
) -> Iterator[Callable[[], Declarations]]:
    """Read files as `load` does; gives the function that brings together what they declare.

    Where they are large a second process begins with them at once, so there is time for something else.
    """
    sources = files.read(paths, stdin=stdin, here=here)
    with companion.started(sources.texts) as judge:
        yield lambda: with_refusals(_together(judge()), sources.findings)


def with_refusals(declarations: Declarations, refusals: Sequence[Finding]) -> Declarations:
    """Add what is to be said of files that were not read."""
    if not refusals:
        return declarations
    unread = {finding.location.file for finding in refusals if finding.location}
    return replace(
        declarations,
        files=tuple(sorted({*declarations.files, *unread})),
        findings=_sorted((*declarations.findings, *refusals)),
        complete=declarations.complete and all(finding.rule == "skipped-link" for finding in refusals),
    )


def declare(texts: Iterable[SourceText]) -> Declarations:
    """Give what texts declare; pure."""
    from driftcheck.declarations.documents import Declared

    return _together([Declared(text) for text in texts])


def _together(declared: Sequence[Declared]) -> Declarations:
    first: dict[str, tuple[Declared, Callable[[], Location]]] = {}
    deployments: list[Declaration] = []
    for file in declared:
        for name, place in file.names:
            if name in first:
                file.tell_duplicate(name, place, first[name][1])
            first.setdefault(name, (file, place))
        deployments += (declaration for declaration in file.deployments if first[declaration.name][0] is file)
    return Declarations(
        files=tuple(file.source.name for file in declared),
        deployments=tuple(deployments),
        ignores=tuple(rule for file in declared for rule in file.ignores),
        findings=_sorted(finding for file in declared for finding in file.findings.all()),
        complete=all(file.complete for file in declared),
    )


def _sorted(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda f: (f.location or Location("", 0, 0), f.rule, f.message)))
