"""Reads YAML text in one pass over libyaml's events.

Input may be hostile: nesting, nodes, aliases and documents are bounded while streaming, and no message quotes the
text.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final, NoReturn

from yaml.error import YAMLError
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from driftcheck.model import JSON
from driftcheck.yamlfile import problems
from driftcheck.yamlfile.parsed import Entries, Parsed
from driftcheck.yamlfile.positions import StoppedError, collection_start, duplicate_keys, event_source
from driftcheck.yamlfile.problems import Position, Problem, limit, position_of
from driftcheck.yamlfile.scalars import Misreading, resolve_scalar

MAX_DEPTH: Final = 64
DEEPEST_FIELD: Final = 14
"""The depth of the deepest mapping or list that the schema describes; none of its lists is directly in a list."""
MAX_UNUSUAL: Final = 10_000
"""The most mappings and lists in a file that are deeper, or lists directly in a list."""
MAX_NODES: Final = 4_000_000
"""Nodes as written, in one file; 10,000 deployments of 75 lines have 1.7 million."""
MAX_DOCUMENTS: Final = 20_000
MAX_PROBLEMS: Final = 1_000
ALIAS_ALLOWANCE: Final = 500_000
"""The number of nodes that the aliases of any file may expand to."""
ALIAS_RATIO: Final = 4
"""The number of additional nodes for each byte of the file."""
MAX_ALIASED: Final = 2_000_000
"""The limit of both together."""
MAX_KEYS: Final = 500_000
"""Different keys in one file, or keys in one mapping."""
MAX_REMEMBERED: Final = 100_000
"""The most scalars whose meaning is remembered."""
CHARACTERS_A_NODE: Final = 32
"""The number of characters of an aliased text that count as an additional node."""


def parse(data: bytes) -> Parsed:
    """Read all documents of a text; raises DriftcheckError only where PyYAML came without libyaml."""
    defect = problems.unreadable(data)
    if defect is not None:
        return Parsed((), (defect,), broken=True, stopped=0)
    reader = _Reader(data)
    stopped: int | None = None
    broken = True
    try:
        reader.read()
        broken = False
    except StoppedError as error:
        reader.problems.append(error.problem)
        stopped = error.index
    except YAMLError as error:
        reader.problems.append(problems.syntax_problem(error, data))
    found = [*_with_first_positions(reader, data, stopped), *problems.invisible_characters(data)]
    return Parsed(
        documents=tuple(reader.documents),
        problems=tuple(sorted(found, key=lambda problem: problem.position)),
        broken=broken,
        stopped=stopped,
        texts=frozenset(reader.texts),
        entries=tuple(reader.entries),
    )


def _with_first_positions(reader: _Reader, data: bytes, stopped: int | None) -> list[Problem]:
    """Add to each duplicate key the position of the first one."""
    if all(problem.rule != "duplicate-key" for problem in reader.problems):
        return reader.problems
    first = duplicate_keys(data, stopped, len(reader.documents) + 1)
    return [replace(p, related=(first[p.position],)) if p.position in first else p for p in reader.problems]


_UNSEEN: Final = object()
_OPEN: Final = object()
_BELOW_THE_ROOT: Final = 2
"""The depth of a list that is the value of a key of the root."""


class _Merge:
    """A merge key among the keys of a mapping that is being read."""

    __slots__ = ("event",)

    def __init__(self, event: Any) -> None:
        self.event = event


class _Anchor:
    """What an anchor names, and how many nodes its alias expands to."""

    __slots__ = ("value", "weight")

    def __init__(self, value: Any = _OPEN) -> None:
        self.value = value
        self.weight = 1


class _Reader:
    """Builds the values of one text; `mapping` and `sequence` are where the time goes."""

    def __init__(self, data: bytes) -> None:
        self.documents: list[JSON] = []
        self.problems: list[Problem] = []
        self.texts: set[str] = set()
        self.entries: list[Entries] = []
        self._lists: dict[int, tuple[list[JSON], tuple[Position | None, ...]]] = {}
        """Each list directly below the root of a document, by its `id`, and the positions of its entries."""
        self._next_event = event_source(data)
        self._scalars: dict[str, JSON] = {}
        self._keys: dict[str, str] = {}
        self._anchors: dict[str, _Anchor] = {}
        self._nodes = 0
        self._unusual = 0
        self._aliased = 0
        self._alias_budget = min(ALIAS_ALLOWANCE + ALIAS_RATIO * len(data), MAX_ALIASED)
        self._last_event: Any = None

    def read(self) -> None:
        """Read to the end; raises YAMLError or StoppedError if it can't."""
        while (event := self._next_event()).__class__ is not StreamEndEvent:
            if event.__class__ is DocumentStartEvent:
                if event.version or event.tags:
                    self._report(problems.directive(position_of(event.start_mark)), event)
                if len(self.documents) == MAX_DOCUMENTS:
                    self._stop(event, "the file has more than 20,000 documents")
                self._anchors.clear()
                self._lists.clear()
                document = self.node(self._next_event(), 0)
                self.documents.append(document)
                items = document.items() if isinstance(document, dict) else ()
                self.entries.append({key: self._lists[id(v)][1] for key, v in items if id(v) in self._lists})

    def node(self, event: Any, depth: int) -> JSON:
        """Read the value that begins with an event, `depth` levels down."""
        kind = event.__class__
        if kind is AliasEvent:
            return self._alias(event)
        if event.tag is not None:
            self._report_at(event, *problems.TAG)
        anchor = self._anchor(event) if event.anchor is not None else None
        value: JSON
        if kind is MappingStartEvent:
            value = self.mapping(event, depth + 1)
        elif kind is SequenceStartEvent:
            value = self.sequence(event, depth + 1)
        else:
            value = self._text(event) if event.style or event.tag is not None else self._plain(event)
            self._last_event = event
        if anchor is not None:
            anchor.value = value
            characters = self._last_event.end_mark.index - event.start_mark.index
            anchor.weight += self._nodes + self._aliased + characters // CHARACTERS_A_NODE
        return value

    def mapping(self, start: Any, depth: int) -> dict[str, JSON]:
        """Read a mapping up to its end."""
        if depth > DEEPEST_FIELD:
            self._count_unusual(start, depth)
        next_event, keys, scalars, texts = self._next_event, self._keys, self._scalars, self.texts
        result: dict[Any, JSON] = {}
        odd = False
        while True:
            event = next_event()
            kind = event.__class__
            if kind is MappingEndEvent:
                break
            if kind is not ScalarEvent or event.value not in keys or event.tag is not None or event.anchor is not None:
                key = self._odd_key(event, depth, len(result))
                odd = odd or key.__class__ is not str
            else:
                key = keys[event.value]
            if key in result:
                self._report_at(event, *problems.DUPLICATE_KEY)
            event = next_event()
            if event.__class__ is ScalarEvent and event.tag is None and event.anchor is None:
                value = event.value
                if event.style:
                    texts.add(value)
                else:
                    value = scalars.get(value, _UNSEEN)
                    if value is _UNSEEN:
                        value = self._plain(event)
                result[key] = value
            else:
                result[key] = self.node(event, depth)
        self._last_event = event
        self._nodes += 2 * len(result) + 1
        return self._without_odd_keys(result) if odd else result

    def sequence(self, start: Any, depth: int) -> list[JSON]:
        """Read a list up to its end."""
        if depth > DEEPEST_FIELD:
            self._count_unusual(start, depth)
        next_event, scalars, texts = self._next_event, self._scalars, self.texts
        result: list[JSON] = []
        positions: dict[int, Position] = {}
        while True:
            event = next_event()
            kind = event.__class__
            if kind is SequenceEndEvent:
                break
            if kind is ScalarEvent and event.tag is None and event.anchor is None:
                value = event.value
                if event.style:
                    texts.add(value)
                else:
                    value = scalars.get(value, _UNSEEN)
                    if value is _UNSEEN:
                        value = self._plain(event)
                result.append(value)
            else:
                if kind is SequenceStartEvent:
                    self._count_unusual(event, depth)
                elif depth == _BELOW_THE_ROOT and kind is MappingStartEvent:
                    positions[len(result)] = position_of(collection_start(event))
                result.append(self.node(event, depth))
            if len(result) + self._nodes > MAX_NODES:
                self._stop(event, "the file has more than 4 million values")
        if positions:
            self._lists[id(result)] = result, tuple(positions.get(index) for index in range(len(result)))
        self._last_event = event
        self._nodes += len(result) + 1
        return result

    def _text(self, event: Any) -> str:
        """Return a scalar that is text, whatever it looks like."""
        text: str = event.value
        self.texts.add(text)
        return text

    def _plain(self, event: Any) -> JSON:
        """Return the meaning of an unquoted scalar."""
        text = event.value
        value = self._scalars.get(text, _UNSEEN)
        if value is _UNSEEN:
            self.texts.add(text)
            value = resolve_scalar(text)
            if isinstance(value, Misreading):
                self._report_at(event, *problems.misread(value, text))
                return text
            if len(self._scalars) < MAX_REMEMBERED:
                self._scalars[text] = value
        return value

    def _odd_key(self, event: Any, depth: int, size: int) -> str | _Merge | object:
        """Return a key that is new, quoted or unusual; a fresh object where it cannot be a key."""
        if size > MAX_KEYS or len(self._keys) > MAX_KEYS:
            self._stop(event, "the file has more than 500,000 different keys")
        if event.__class__ is not ScalarEvent:
            value = self.node(event, depth)
            if isinstance(value, str):
                return value
            self._report_at(event, *problems.NON_STRING_KEY)
            return object()
        text = self._text(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchor(text)
        if event.tag is not None:
            self._report_at(event, *problems.TAG)
        elif not event.style:
            return self._plain_key(event, text)
        return text

    def _plain_key(self, event: Any, text: str) -> str | _Merge:
        if text == "<<":
            return _Merge(event)
        meaning = resolve_scalar(text)
        if meaning is Misreading.AMBIGUOUS:
            self._report_at(event, *problems.misread(meaning, text))
        elif not isinstance(meaning, str):
            self._report_at(event, *problems.NON_STRING_KEY)
        else:
            self._keys[text] = text
        return text

    def _without_odd_keys(self, mapping: dict[Any, JSON]) -> dict[str, JSON]:
        """Return the mapping over what its merge keys refer to, without what cannot be a key."""
        result = {key: value for key, value in mapping.items() if isinstance(key, str)}
        merges = [(key, value) for key, value in mapping.items() if isinstance(key, _Merge)]
        for merge, value in merges:
            if merge is not merges[0][0]:
                self._report_at(merge.event, *problems.SECOND_MERGE_KEY)
            for source in value if isinstance(value, list) else [value]:
                if isinstance(source, dict):
                    for key, merged in source.items():
                        result.setdefault(key, merged)
                else:
                    self._report_at(merge.event, *problems.MERGE_KEY)
        return result

    def _anchor(self, event: Any) -> _Anchor:
        anchor = self._anchors[event.anchor] = _Anchor()
        anchor.weight -= self._nodes + self._aliased
        return anchor

    def _alias(self, event: Any) -> JSON:
        anchor = self._anchors.get(event.anchor)
        self._last_event = event
        if anchor is None:
            self._report_at(event, *problems.UNKNOWN_ALIAS)
            return None
        if anchor.value is _OPEN:
            self._report_at(event, *problems.RECURSIVE_ALIAS)
            return None
        self._aliased += anchor.weight
        if self._aliased > self._alias_budget:
            self._stop(event, "the aliases of the file expand to too many values")
        return anchor.value

    def _report_at(self, event: Any, rule: str, message: str, hint: str) -> None:
        self._report(Problem(rule, message, hint, position_of(event.start_mark)), event)

    def _report(self, problem: Problem, event: Any) -> None:
        self.problems.append(problem)
        if len(self.problems) >= MAX_PROBLEMS:
            self._stop(event, "the file has more than 1,000 defects; the rest was not read")

    def _count_unusual(self, event: Any, depth: int) -> None:
        self._unusual += 1
        if depth > MAX_DEPTH:
            self._stop(event, problems.TOO_DEEP)
        if self._unusual > MAX_UNUSUAL:
            self._stop(event, "the file has more than 10,000 lists and mappings where no field has any")

    def _stop(self, event: Any, message: str) -> NoReturn:
        raise StoppedError(limit(message, position_of(event.start_mark)), event.start_mark.index)
