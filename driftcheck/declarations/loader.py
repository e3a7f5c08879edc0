"""Paths -> Declarations: reads the files and brings together what each declares.

A broken file, document or deployment does not stop the others; what could not be read makes the declarations
incomplete.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from driftcheck.declarations import companion, discovery
from driftcheck.declarations.companion import Companion
from driftcheck.declarations.discovery import SourceText
from driftcheck.model import JSON, Declaration, Declarations, Finding, Location
from driftcheck.paths import Path

if TYPE_CHECKING:
    from driftcheck.declarations.documents import Declared
    from driftcheck.yamlfile.reader import Place

MAX_BYTES: Final = discovery.MAX_BYTES


def load(paths: Sequence[str], *, stdin: Callable[[], bytes] | None = None, here: str | None = None) -> Declarations:
    """Read the declarations that paths name (`discovery.read` says how); `stdin` gives what `-` stands for.

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
    sources = discovery.read(paths, stdin=stdin, here=here)
    texts = sources.texts
    with companion.started(_sizes(texts), lambda number: _flawless(texts[number])) as other:
        yield lambda: with_refusals(_together(_judge(texts, other)), sources.findings)


def _sizes(texts: Sequence[SourceText]) -> list[int]:
    return [len(text.data) for text in texts]


def _flawless(text: SourceText) -> tuple[JSON, ...] | None:
    """Give the documents of a text of which nothing is to be told."""
    declared = _declared(text)
    return declared.source.parsed.documents if declared.is_flawless else None


def _judge(texts: Sequence[SourceText], other: Companion) -> list[Declared]:
    """Judge what the other process has not taken, and take over what it found flawless."""
    judged = {number: _declared(texts[number]) for number in other.left()}
    for number, documents in other.results():
        judged[number] = _declared(texts[number], documents)
    return [judged.get(number) or _declared(text) for number, text in enumerate(texts)]


def _declared(text: SourceText, flawless: tuple[JSON, ...] | None = None) -> Declared:
    from driftcheck.declarations.documents import Declared  # only now: the listing's first request is on its way

    return Declared(text, flawless)


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
    return _together([_declared(text) for text in texts])


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
        locating=partial(_locating, {name: file for name, (file, _) in first.items()}),
    )


@contextlib.contextmanager
def _locating(files: Mapping[str, Declared], wanted: Iterable[tuple[str, Path]]) -> Iterator[None]:
    """Find places (of a deployment's name and a path in it) ahead, a second process at work while the body runs."""
    by_file: dict[Declared, list[tuple[str, Path]]] = {}
    for name, path in wanted:
        by_file.setdefault(files[name], []).append((name, path))
    asked = list(by_file.items())

    def find(number: int) -> list[Place]:
        file, spots = asked[number]
        return file.find(spots)

    with companion.started([file.source.size for file, _ in asked], find) as other:
        yield
        found = {number: find(number) for number in other.left()}
        found.update(other.results())
    for number, places in found.items():
        file, spots = asked[number]
        file.known.update(zip(spots, places, strict=True))


def _sorted(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda f: (f.location or Location("", 0, 0), f.rule, f.message)))
