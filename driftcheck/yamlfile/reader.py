"""Reads YAML text in one pass over libyaml's events: its values, its defects, and where each value is.

Input may be hostile: nesting, nodes, aliases and documents are bounded while streaming, and no message quotes the
text.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
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

from driftcheck.errors import DriftcheckError
from driftcheck.model import JSON
from driftcheck.yamlfile import problems
from driftcheck.yamlfile.parsed import MERGE, NO_KEY, SCALAR, Nodes, Parsed
from driftcheck.yamlfile.positions import Text
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


class _StoppedError(Exception):
    """The text is not read any further."""

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self.problem = problem


def event_source(data: bytes) -> Callable[[], Any]:
    """Return the function that returns libyaml's next event."""
    try:
        from yaml._yaml import CParser
    except ImportError:
        raise DriftcheckError(
            "PyYAML was installed without libyaml, and without it reads YAML differently",
            hint="Install a PyYAML wheel for this platform, or build PyYAML with libyaml's headers.",
        ) from None
    next_event: Callable[[], Any] = CParser(data).get_event
    return next_event


def parse(data: bytes) -> Parsed:
    """Read all documents of a text; raises DriftcheckError only if PyYAML came without libyaml."""
    defect = problems.unreadable(data)
    if defect is not None:
        return Parsed((), (defect,), broken=True)
    reader = _Reader(data)
    broken = True
    try:
        reader.read()
        broken = False
    except _StoppedError as error:
        reader.problems.append(error.problem)
    except YAMLError as error:
        reader.problems.append(problems.syntax_problem(error, data))
    parsed = Parsed(tuple(reader.documents), (), broken, frozenset(reader.texts), reader.nodes())
    found = [*_with_first_positions(reader, Text("", data, parsed)), *problems.invisible_characters(data)]
    return replace(parsed, problems=tuple(sorted(found, key=lambda problem: problem.position)))


def _with_first_positions(reader: _Reader, text: Text) -> list[Problem]:
    """Add to each duplicate key the position of the first one."""
    found = list(reader.problems)
    for index, mapping, key in reader.duplicates:
        first = text.key_node(mapping, key)
        if first is not None:
            found[index] = replace(found[index], related=(text.node_position(first),))
    return found


_UNSEEN: Final = object()
_OPEN: Final = object()
_UNFINISHED: Final = 2**31 - 1
"""The link of a mapping whose end was not read yet; negated, that of a list."""
_WITH_ENDS: Final = 3
"""The depth of the entries of a document's lists, the ends of which are looked up."""


class _Merge:
    """A merge key among the keys of a mapping that is being read."""

    __slots__ = ("event",)

    def __init__(self, event: Any) -> None:
        self.event = event


class _Anchor:
    """What an anchor names, and how many nodes its alias expands to."""

    __slots__ = ("node", "value", "weight")

    def __init__(self, node: int, value: Any = _OPEN) -> None:
        self.node = node
        self.value = value
        self.weight = 0


class _Reader:
    """Builds the values of one text; `mapping` and `sequence` are where the time goes."""

    def __init__(self, data: bytes) -> None:
        self.documents: list[JSON] = []
        self.problems: list[Problem] = []
        self.duplicates: list[tuple[int, int, str]] = []
        """For each duplicate key: the index of its problem, the node of the mapping, and the key."""
        self.texts: set[str] = set()
        self._roots: list[int] = []
        self._lines = array("I")
        self._columns = array("I")
        self._links = array("i")
        self._ends: dict[int, Position] = {}
        self._names: dict[str, int] = {}
        self._next_event = event_source(data)
        self._scalars: dict[str, JSON] = {}
        self._keys: dict[str, tuple[str, int]] = {}
        """Unquoted keys that are surely strings, with their number in `_names`."""
        self._anchors: dict[str, _Anchor] = {}
        self._collections = 0
        self._unusual = 0
        self._aliased = 0
        self._alias_budget = min(ALIAS_ALLOWANCE + ALIAS_RATIO * len(data), MAX_ALIASED)
        self._last_event: Any = None

    def read(self) -> None:
        """Read to the end; raises YAMLError or _StoppedError if it can't."""
        while (event := self._next_event()).__class__ is not StreamEndEvent:
            if event.__class__ is DocumentStartEvent:
                if event.version or event.tags:
                    self._report(problems.directive(position_of(event.start_mark)), event)
                if len(self.documents) == MAX_DOCUMENTS:
                    self._stop(event, "the file has more than 20,000 documents")
                self._anchors.clear()
                root = len(self._links)
                self.documents.append(self.node(self._next_event(), 0))
                self._roots.append(root)

    def nodes(self) -> Nodes:
        """Return the nodes that were read."""
        return Nodes(tuple(self._roots), self._lines, self._columns, self._links, self._ends, tuple(self._names))

    def node(self, event: Any, depth: int) -> JSON:
        """Read the value that begins with an event, `depth` levels down."""
        kind = event.__class__
        if kind is AliasEvent:
            return self._alias(event)
        if event.tag is not None:
            self._report_at(event, *problems.TAG)
        anchor = self._anchor(event) if event.anchor is not None else None
        value: JSON
        if kind is not ScalarEvent:
            self._collections += 1
            value = (self.mapping if kind is MappingStartEvent else self.sequence)(event, depth + 1)
        else:
            self._record_scalar(event)
            value = self._text(event) if event.style or event.tag is not None else self._plain(event)
            self._last_event = event
        if anchor is not None:
            anchor.value = value
            characters = self._last_event.end_mark.index - event.start_mark.index
            anchor.weight += self._size() + self._aliased + characters // CHARACTERS_A_NODE
        return value

    def mapping(self, start: Any, depth: int) -> dict[str, JSON]:
        """Read a mapping up to its end."""
        if depth > DEEPEST_FIELD:
            self._count_unusual(start, depth)
        next_event, keys, scalars, texts = self._next_event, self._keys, self._scalars, self.texts
        add_line, add_column, add_link = self._lines.append, self._columns.append, self._links.append
        node = self._record(_collection_start(start), _UNFINISHED)
        result: dict[Any, JSON] = {}
        key: Any
        mark: Any
        odd = False
        while True:
            event = next_event()
            kind = event.__class__
            if kind is MappingEndEvent:
                break
            known = keys.get(event.value) if kind is ScalarEvent else None
            if known is None or event.tag is not None or event.anchor is not None:
                key = self._odd_key(event, depth, len(result))
                odd = odd or key.__class__ is not str
            else:
                key, name = known
                mark = event.start_mark
                add_line(mark.line)
                add_column(mark.column)
                add_link(name)
            if key in result:
                self.duplicates.append((len(self.problems), node, key))
                self._report_at(event, *problems.DUPLICATE_KEY)
            event = next_event()
            if event.__class__ is ScalarEvent and event.tag is None and event.anchor is None:
                mark = event.start_mark
                add_line(mark.line)
                add_column(mark.column)
                add_link(SCALAR)
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
        self._links[node] = len(self._links)
        if depth <= _WITH_ENDS:
            self._ends[node] = position_of(event.start_mark)
        self._last_event = event
        return self._without_odd_keys(result) if odd else result

    def sequence(self, start: Any, depth: int) -> list[JSON]:
        """Read a list up to its end."""
        if depth > DEEPEST_FIELD:
            self._count_unusual(start, depth)
        next_event, scalars, texts = self._next_event, self._scalars, self.texts
        node = self._record(_collection_start(start), -_UNFINISHED)
        result: list[JSON] = []
        while True:
            event = next_event()
            kind = event.__class__
            if kind is SequenceEndEvent:
                break
            if kind is ScalarEvent and event.tag is None and event.anchor is None:
                self._record(event.start_mark, SCALAR)
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
                result.append(self.node(event, depth))
            if self._size() > MAX_NODES:
                self._stop(event, "the file has more than 4 million values")
        self._links[node] = -len(self._links)
        if depth <= _WITH_ENDS:
            self._ends[node] = position_of(event.start_mark)
        self._last_event = event
        return result

    def _size(self) -> int:
        """Return how many nodes were read; a collection takes more memory and counts twice."""
        return len(self._links) + self._collections

    def _record(self, mark: Any, link: int) -> int:
        """Record a node that begins at a mark, and return its number."""
        self._lines.append(mark.line)
        self._columns.append(mark.column)
        self._links.append(link)
        return len(self._links) - 1

    def _record_scalar(self, event: Any) -> None:
        """Record a scalar, after its anchor and tag if it is plain and on one line with them."""
        start, end = event.start_mark, event.end_mark
        node = self._record(start, SCALAR)
        if (event.anchor or event.tag) and not event.style and start.line == end.line:
            self._columns[node] = end.column - len(event.value)

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
        """Return a key that is new, quoted or unusual; a fresh object if it cannot be a key."""
        if size > MAX_KEYS or len(self._keys) > MAX_KEYS:
            self._stop(event, "the file has more than 500,000 different keys")
        node = self._record(event.start_mark, NO_KEY)
        if event.__class__ is not ScalarEvent:
            value = self.node(event, depth)
            if isinstance(value, str):  # an alias
                for recorded in (self._lines, self._columns, self._links):
                    recorded.pop()
                self._links[node] = self._name(value)
                return value
            self._report_at(event, *problems.NON_STRING_KEY)
            return object()
        text = self._text(event)
        is_merge = text == "<<" and not event.style and event.tag is None
        self._links[node] = MERGE if is_merge else self._name(text)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchor(node, text)
        if is_merge:
            return _Merge(event)
        if event.tag is not None:
            self._report_at(event, *problems.TAG)
        elif not event.style:
            self._check_plain_key(event, text)
        return text

    def _name(self, text: str) -> int:
        """Return the number of a key's text."""
        return self._names.setdefault(text, len(self._names))

    def _check_plain_key(self, event: Any, text: str) -> None:
        meaning = resolve_scalar(text)
        if meaning is Misreading.AMBIGUOUS:
            self._report_at(event, *problems.misread(meaning, text))
        elif not isinstance(meaning, str):
            self._report_at(event, *problems.NON_STRING_KEY)
        else:
            self._keys[text] = text, self._name(text)

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
        anchor = self._anchors[event.anchor] = _Anchor(len(self._links))
        anchor.weight -= self._size() + self._aliased
        return anchor

    def _alias(self, event: Any) -> JSON:
        anchor = self._anchors.get(event.anchor)
        self._last_event = event
        if anchor is None or anchor.value is _OPEN:
            self._record(event.start_mark, SCALAR)
            self._report_at(event, *(problems.UNKNOWN_ALIAS if anchor is None else problems.RECURSIVE_ALIAS))
            return None
        if isinstance(anchor.value, dict | list):
            self._record(event.start_mark, anchor.node)
        else:
            node = self._record(event.start_mark, SCALAR)
            self._lines[node], self._columns[node] = self._lines[anchor.node], self._columns[anchor.node]
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
        raise _StoppedError(limit(message, position_of(event.start_mark)))


def _collection_start(start: Any) -> Any:
    """Return the mark at which a collection begins: at its bracket, or its first key or entry."""
    has_properties = start.anchor is not None or start.tag is not None
    return start.end_mark if has_properties and not start.flow_style else start.start_mark
