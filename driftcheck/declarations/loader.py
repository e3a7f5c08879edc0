"""Paths -> Declarations: reads the files and brings together what each declares.

A broken file, document or deployment does not stop the others; what could not be read makes the declarations
incomplete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from driftcheck.declarations import discovery
from driftcheck.declarations.discovery import Sources, SourceText
from driftcheck.model import Declaration, Declarations, Finding, Location

if TYPE_CHECKING:
    from driftcheck.declarations.documents import Declared


def load(paths: Sequence[str], *, stdin: Callable[[], bytes] | None = None, here: str | None = None) -> Declarations:
    """Read the declarations that paths name (`discovery.read` says how); `stdin` gives what `-` stands for.

    Raises UsageError where a path names nothing.
    """
    return declare_sources(discovery.read(paths, stdin=stdin, here=here))


def declare_sources(sources: Sources) -> Declarations:
    """Return what files declare, those that could not be read included."""
    return with_refusals(declare(sources.texts), sources.findings)


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
    """Return what texts declare; pure."""
    from driftcheck.declarations.documents import Declared  # only now: the listing's first request is on its way

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
