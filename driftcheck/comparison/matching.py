"""What belongs together: declared and live deployments by name, list entries by identity or alignment."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final, TypeAlias

from driftcheck.comparison.equality import canonical_text
from driftcheck.fields import Field
from driftcheck.model import ABSENT, JSON, Absent, Declaration, Deployment
from driftcheck.paths import Item, Segment

Alike: TypeAlias = Callable[[JSON, JSON], bool]
"""Tells whether a declared entry and a live one are the same to the service."""

DELETION_STATUSES: Final = frozenset({"AWAITING_DELETE", "AWAITING_FINAL_DELETE"})

_MOST_PAIRS: Final = 250_000
"""Lists whose lengths multiply to more are paired by position: alignment takes quadratic time."""

_REFERENCE: Final = re.compile(r"\$\$|\$\(([A-Za-z_.-][A-Za-z0-9_.-]*)\)")


@dataclass(frozen=True, slots=True)
class Match:
    """The live deployments of one declared name; more than one where the listing is ambiguous."""

    declaration: Declaration
    live: tuple[Deployment, ...]


def match_deployments(
    declared: Sequence[Declaration], live: Sequence[Deployment]
) -> tuple[list[Match], dict[str, list[Deployment]]]:
    """Pair by name; gives the matches in declared order, and the rest of live by name."""
    rest: dict[str, list[Deployment]] = {}
    for deployment in live:
        rest.setdefault(deployment.name, []).append(deployment)
    return [Match(declaration, tuple(rest.pop(declaration.name, ()))) for declaration in declared], rest


def is_being_deleted(deployment: Deployment) -> bool:
    """Tell whether a deployment is in deletion, when it counts neither as present nor as drifted (API.md 3.1.14)."""
    return deployment.text("status") in DELETION_STATUSES


@dataclass(frozen=True, slots=True)
class Entry:
    """A place in two lists: the entry of each side, or ABSENT where it has none."""

    segment: Segment
    declared: JSON | Absent
    live: JSON | Absent


def match_entries(declared: Sequence[JSON], live: Sequence[JSON], field: Field, alike: Alike) -> list[Entry]:
    """Pair the entries of two lists, by identity where each entry has one of its own, else by alignment."""
    if field.key is not None:
        declared_keys, live_keys = identities(declared, field.key), identities(live, field.key)
        if declared_keys is not None and live_keys is not None:
            return list(_by_identity(field.key, declared_keys, live_keys))
    return _by_position_or_alignment(declared, live, alike)


def stand_alike(declared: Sequence[JSON], live: Sequence[JSON], key: str) -> bool:
    """Tell, at little cost, whether two lists hold entries of the same identities in the same order, each once.

    This is the usual case, in which `match_entries` pairs entry by entry and `same_order` holds.
    """
    if len(declared) != len(live):
        return False
    seen = set()
    for entry, other in zip(declared, live, strict=True):
        if entry.__class__ is not dict or other.__class__ is not dict:
            return False
        identity = entry.get(key)
        if identity.__class__ is not str or identity != other.get(key) or identity in seen:
            return False
        seen.add(identity)
    return True


def identities(entries: Sequence[JSON], key: str) -> dict[str, JSON] | None:
    """Give the entries by identity, or None where an entry has no identity or two share one."""
    found: dict[str, JSON] = {}
    for entry in entries:
        identity = entry.get(key) if isinstance(entry, dict) else None
        if not isinstance(identity, str) or identity in found:
            return None
        found[identity] = entry
    return found


def _by_identity(key: str, declared: Mapping[str, JSON], live: Mapping[str, JSON]) -> Iterator[Entry]:
    for identity, entry in declared.items():
        yield Entry(Item(key, identity), entry, live.get(identity, ABSENT))
    for identity, entry in live.items():
        if identity not in declared:
            yield Entry(Item(key, identity), ABSENT, entry)


def _by_position_or_alignment(declared: Sequence[JSON], live: Sequence[JSON], alike: Alike) -> list[Entry]:
    """Pair entry by entry, or as a text diff aligns them where that says less: one put in is one change.

    Aligned, an entry's position is the declared one, or the live one where it is not declared; where much
    has moved, two entries may so get the same one.
    """
    if declared == live and all(isinstance(entry, str) for entry in declared):
        return []
    declared_texts, live_texts = _texts(declared), _texts(live)
    if declared_texts == live_texts:
        return []
    if len(declared) * len(live) > _MOST_PAIRS:
        return list(_by_position(declared, live, declared_texts, live_texts))
    known = dict(zip(declared_texts, declared, strict=True))
    live_texts = [_text_among(known, text, entry, alike) for text, entry in zip(live_texts, live, strict=True)]
    in_place = list(_by_position(declared, live, declared_texts, live_texts))
    aligned = list(_by_alignment(declared, live, declared_texts, live_texts))
    apart = len({entry.segment for entry in aligned}) == len(aligned)
    return aligned if apart and len(aligned) < len(in_place) else in_place


def _texts(entries: Sequence[JSON]) -> list[str]:
    return [canonical_text(entry) for entry in entries]


def _text_among(known: Mapping[str, JSON], text: str, live: JSON, alike: Alike) -> str:
    """Give the text of a live entry, or that of a declared entry which is the same to the service."""
    if text in known or not isinstance(live, dict):
        return text
    return next((other for other, declared in known.items() if alike(declared, live)), text)


def _by_position(
    declared: Sequence[JSON], live: Sequence[JSON], declared_texts: Sequence[str], live_texts: Sequence[str]
) -> Iterator[Entry]:
    pairs = zip_longest(declared, live, fillvalue=ABSENT)
    for position, (texts, pair) in enumerate(zip(zip_longest(declared_texts, live_texts), pairs, strict=True)):
        if texts[0] != texts[1]:
            yield Entry(position, *pair)


def _by_alignment(
    declared: Sequence[JSON], live: Sequence[JSON], declared_texts: Sequence[str], live_texts: Sequence[str]
) -> Iterator[Entry]:
    from difflib import SequenceMatcher

    matcher = SequenceMatcher(None, declared_texts, live_texts, autojunk=False)
    for tag, start, end, live_start, live_end in matcher.get_opcodes():
        if tag == "equal":
            continue
        common = min(end - start, live_end - live_start)
        for offset in range(common):
            yield Entry(start + offset, declared[start + offset], live[live_start + offset])
        for position in range(start + common, end):
            yield Entry(position, declared[position], ABSENT)
        for position in range(live_start + common, live_end):
            yield Entry(position, ABSENT, live[position])


def same_order(declared: Sequence[JSON], live: Sequence[JSON], field: Field) -> bool:
    """Tell whether the entries that both lists have stand in an equivalent order.

    Order means nothing in most keyed lists; everything in some (init containers run one after the
    other); and for environment variables, only whether a variable stands before one that refers to it
    (Kubernetes expands `$(NAME)` from earlier entries; API.md 3.1.6).
    """
    if field.key is None or not field.ordered:
        return True
    if field.ordered == "references":
        before, live_before = _references(declared, field.key), _references(live, field.key)
        return all(before[pair] == live_before[pair] for pair in before.keys() & live_before.keys())
    declared_names, live_names = names(declared, field.key), names(live, field.key)
    common = (Counter(declared_names) & Counter(live_names)).keys()
    return [n for n in declared_names if n in common] == [n for n in live_names if n in common]


def names(entries: Sequence[JSON], key: str) -> list[str]:
    """Give the identities of the entries that have one, in their order."""
    return [entry[key] for entry in entries if isinstance(entry, dict) and isinstance(entry.get(key), str)]


def _references(entries: Sequence[JSON], key: str) -> dict[tuple[str, str], bool]:
    """Give for each variable and one that its value refers to, whether the latter stands before it."""
    positions = {name: position for position, name in enumerate(names(entries, key))}
    before = {}
    for entry in entries:
        value = entry.get("value") if isinstance(entry, dict) else None
        if not isinstance(value, str) or "$(" not in value or entry.get(key) not in positions:
            continue
        for match in _REFERENCE.finditer(value):
            if match[1] in positions:
                before[entry[key], match[1]] = positions[match[1]] < positions[entry[key]]
    return before
