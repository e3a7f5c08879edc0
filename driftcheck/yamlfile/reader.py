"""YAML text -> values, in one pass over libyaml's events; positions are found again only where they are asked for.

Input is hostile until proved otherwise: nesting, nodes, aliases and documents are bounded while streaming, and no
message ever quotes the text (docs/threat-model.md 1 and 3.2).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn, TypeAlias

from yaml.error import MarkedYAMLError, YAMLError
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
from driftcheck.yamlfile.scalars import Misreading, resolve

if TYPE_CHECKING:
    from yaml._yaml import Mark

MAX_BYTES: Final = 32 * 2**20
"""Size of a file; 10,000 deployments of 75 lines have 20 MiB."""
MAX_DEPTH: Final = 64
MAX_NODES: Final = 4_000_000
"""Nodes as written, in one file; 10,000 deployments of 75 lines have 1.7 million."""
MAX_DOCUMENTS: Final = 20_000
MAX_PROBLEMS: Final = 1_000
MAX_DIRECTIVES: Final = 16
MAX_INVISIBLE: Final = 100
ALIAS_ALLOWANCE: Final = 500_000
"""Nodes that the aliases of a file may stand for, whatever its size, ..."""
ALIAS_RATIO: Final = 4
"""... so many more for each byte of it, ..."""
MAX_ALIASED: Final = 2_000_000
"""... and never more than these."""
MAX_KEYS: Final = 500_000
"""Different keys in one file, or keys in one mapping."""
MAX_REMEMBERED: Final = 100_000
"""Different scalars whose meaning is looked up rather than found out again."""
CHARACTERS_A_NODE: Final = 32
"""So many characters of an aliased text count as one node more."""

Place: TypeAlias = tuple[int, int]
"""Line and column, counted from 1."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One defect of a text; `related` are places that belong to it."""

    rule: str
    message: str
    hint: str
    place: Place
    related: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a text holds: the values of its documents, in order, and its defects by place."""

    documents: tuple[JSON, ...]
    problems: tuple[Problem, ...]
    broken: bool = False
    """Whether reading stopped early; the document at that place and all behind it are not among the values."""
    stopped: int | None = None
    """The index of the character at which a limit stopped the reading."""
    texts: frozenset[str] = frozenset()
    """All different texts among the values and keys, and perhaps a few that are not."""


class Node(NamedTuple):
    """Where a collection stands, from `start` up to `end`.

    `children` are those of a list, or of a mapping by key (merged ones included): nodes, or the places of scalars. An
    alias is what it stands for. `keys` are the places of a mapping's own keys.
    """

    start: Mark
    end: Mark
    children: dict[str, Tree] | list[Tree]
    keys: dict[str, Mark]


Tree: TypeAlias = "Node | Mark | Place"
"""A mark is a place as libyaml gives it, counted from 0; it takes half the memory of one of ours."""


class _StoppedError(Exception):
    """The text is not read any further."""

    def __init__(self, problem: Problem, index: int) -> None:
        super().__init__()
        self.problem = problem
        self.index = index


def parse(data: bytes) -> Parsed:
    """Read all documents of a text; raises DriftcheckError only where PyYAML came without libyaml."""
    defect = _unreadable(data)
    if defect is not None:
        return Parsed((), (defect,), broken=True, stopped=0)
    reader = _Reader(data)
    stopped: int | None = None
    broken = True
    try:
        reader.read()
        broken = False
    except _StoppedError as error:
        reader.problems.append(error.problem)
        stopped = error.index
    except YAMLError as error:
        reader.problems.append(_syntax_problem(error, data))
    problems = [*_with_first_places(reader, data, stopped), *_invisible_characters(data)]
    documents, problems = tuple(reader.documents), sorted(problems, key=lambda p: p.place)
    return Parsed(documents, tuple(problems), broken, stopped, frozenset(reader.texts))


def positions(data: bytes, parsed: Parsed) -> tuple[Tree, ...]:
    """Find where the values of a text stand: one tree for each document of `parsed`."""
    return tuple(_located(data, parsed.stopped, len(parsed.documents)).documents)


def _located(data: bytes, stopped: int | None, documents: int) -> _Locator:
    locator = _Locator(data, stopped)
    with contextlib.suppress(_StoppedError, YAMLError):  # parse() has told
        locator.read(documents)
    return locator


def _with_first_places(reader: _Reader, data: bytes, stopped: int | None) -> list[Problem]:
    """Add to each duplicate key where the first one stands."""
    if all(problem.rule != "duplicate-key" for problem in reader.problems):
        return reader.problems
    first = _located(data, stopped, len(reader.documents) + 1).duplicates
    return [replace(p, related=(first[p.place],)) if p.place in first else p for p in reader.problems]


def event_source(data: bytes) -> Callable[[], Any]:
    """Return the function that reads the next of libyaml's events; raises DriftcheckError where libyaml is missing."""
    try:
        from yaml._yaml import CParser
    except ImportError:
        raise DriftcheckError(
            "PyYAML was installed without libyaml, and without it reads YAML differently",
            hint="Install a PyYAML wheel for this platform, or build PyYAML where libyaml's headers are.",
        ) from None
    next_event: Callable[[], Any] = CParser(data).get_event
    return next_event


def _place(mark: Any) -> Place:
    return mark.line + 1, mark.column + 1


def place_of(tree: Tree) -> Place:
    """Give the place of a node, or of a scalar."""
    if isinstance(tree, Node):
        return _place(tree.start)
    return tree if isinstance(tree, tuple) else _place(tree)


# --- the text as a whole ---

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_LONE_CARRIAGE_RETURN: Final = re.compile(rb"\r(?!\n)")
_LINE_SEPARATOR: Final = re.compile(rb"\xc2\x85|\xe2\x80[\xa8\xa9]")
_INVISIBLE: Final = re.compile(
    "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufff9-\ufffb\U000e0000-\U000e007f]"
    "|(?<!\\A)\ufeff"
)


def _unreadable(data: bytes) -> Problem | None:
    """Tell what keeps a text from being read at all, if anything does."""
    if len(data) > MAX_BYTES:
        return Problem("yaml-limit", "the file is larger than 32 MiB", "Split it into several files.", (1, 1))
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:4]:
        return _wrong_encoding("the file is UTF-16 or UTF-32, not UTF-8", (1, 1))
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError as error:
            return _wrong_encoding("the file is not UTF-8", _place_of_byte(data, error.start))
        if separator := _LINE_SEPARATOR.search(data):
            return _line_separator(data, separator.start())
    if b"\r" in data and (lone := _LONE_CARRIAGE_RETURN.search(data)):
        return _line_separator(data, lone.start())
    if data.startswith(b"%") + data.count(b"\n%") > MAX_DIRECTIVES:
        return _directive((1, 1))
    return None


def _wrong_encoding(message: str, place: Place) -> Problem:
    return Problem("text-encoding", message, "Save it as UTF-8.", place)


def _line_separator(data: bytes, index: int) -> Problem:
    return Problem(
        "line-separator",
        "YAML ends the line at this character, which most editors and reviews don't show: "
        "a carriage return alone, U+0085, U+2028 or U+2029",
        'End lines with LF or CRLF; inside double quotes write the escape, such as "\\u2028".',
        _place_of_byte(data, index),
    )


def _directive(place: Place) -> Problem:
    return Problem(
        "yaml-directive",
        "directives (lines that begin with `%`) are not read",
        "Take the directive out; all files are read as YAML 1.2.",
        place,
    )


def _place_of_byte(data: bytes, index: int) -> Place:
    start = data.rfind(b"\n", 0, index) + 1
    prefix = data[start:index].removeprefix(_BYTE_ORDER_MARK)
    return data.count(b"\n", 0, index) + 1, len(prefix.decode(errors="replace")) + 1


def _place_of_character(text: str, index: int) -> Place:
    start = text.rfind("\n", 0, index) + 1
    return text.count("\n", 0, index) + 1, index - start + 1


def _invisible_characters(data: bytes) -> Iterator[Problem]:
    if data.isascii():
        return
    text = data.decode().removeprefix("\ufeff")
    for match in islice(_INVISIBLE.finditer(text), MAX_INVISIBLE):
        yield Problem(
            "invisible-character",
            "a character stands here that can't be seen, or that changes the order in which text is shown",
            'Take it out, or write it as an escape in double quotes, such as "\\u200b".',
            _place_of_character(text, match.start()),
        )


# --- values ---

_UNSEEN: Final = object()
_OPEN: Final = object()


class _Merge:
    """Stands for a merge key among the keys of a mapping that is being read."""

    __slots__ = ("event",)

    def __init__(self, event: Any) -> None:
        self.event = event


class _Anchor:
    """What an anchor names, and how many nodes an alias of it stands for."""

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
        self._next_event = event_source(data)
        self._scalars: dict[str, JSON] = {}
        self._keys: dict[str, str] = {}
        self._anchors: dict[str, _Anchor] = {}
        self._nodes = 0
        self._aliased = 0
        self._alias_budget = min(ALIAS_ALLOWANCE + ALIAS_RATIO * len(data), MAX_ALIASED)
        self._last_event: Any = None

    def read(self) -> None:
        """Read to the end; raises YAMLError or _StoppedError where it can't."""
        while (event := self._next_event()).__class__ is not StreamEndEvent:
            if event.__class__ is DocumentStartEvent:
                if event.version or event.tags:
                    self._report(_directive(_place(event.start_mark)), event)
                if len(self.documents) == MAX_DOCUMENTS:
                    self._stop(event, "the file holds more than 20,000 documents")
                self._anchors.clear()
                self.documents.append(self.node(self._next_event(), 0))

    def node(self, event: Any, depth: int) -> JSON:
        """Read the value that begins with an event, `depth` levels down."""
        kind = event.__class__
        if kind is AliasEvent:
            return self._alias(event)
        if event.tag is not None:
            self._tell(event, *_TAG)
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
        if depth > MAX_DEPTH:
            self._stop_at_depth(start)
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
                self._tell(event, *_DUPLICATE_KEY)
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
        if depth > MAX_DEPTH:
            self._stop_at_depth(start)
        next_event, scalars, texts = self._next_event, self._scalars, self.texts
        result: list[JSON] = []
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
                result.append(self.node(event, depth))
            if len(result) + self._nodes > MAX_NODES:
                self._stop(event, "the file holds more than 4 million values")
        self._last_event = event
        self._nodes += len(result) + 1
        return result

    def _text(self, event: Any) -> str:
        """Give a scalar that is text, whatever it looks like."""
        text: str = event.value
        self.texts.add(text)
        return text

    def _plain(self, event: Any) -> JSON:
        """Give the meaning of an unquoted scalar."""
        text = event.value
        value = self._scalars.get(text, _UNSEEN)
        if value is _UNSEEN:
            self.texts.add(text)
            value = resolve(text)
            if isinstance(value, Misreading):
                self._tell(event, *_MISREADINGS[value])
                return text
            if len(self._scalars) < MAX_REMEMBERED:
                self._scalars[text] = value
        return value

    def _odd_key(self, event: Any, depth: int, size: int) -> str | _Merge | object:
        """Give a key that is new, quoted or out of the ordinary; an object of its own where it can't be a key."""
        if size > MAX_KEYS or len(self._keys) > MAX_KEYS:
            self._stop(event, "the file holds more than 500,000 different keys")
        if event.__class__ is not ScalarEvent:
            value = self.node(event, depth)
            if isinstance(value, str):
                return value
            self._tell(event, *_NON_STRING_KEY)
            return object()
        text = self._text(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchor(text)
        if event.tag is not None:
            self._tell(event, *_TAG)
        elif not event.style:
            return self._plain_key(event, text)
        return text

    def _plain_key(self, event: Any, text: str) -> str | _Merge:
        if text == "<<":
            return _Merge(event)
        meaning = resolve(text)
        if meaning is Misreading.AMBIGUOUS:
            self._tell(event, *_MISREADINGS[meaning])
        elif not isinstance(meaning, str):
            self._tell(event, *_NON_STRING_KEY)
        else:
            self._keys[text] = text
        return text

    def _without_odd_keys(self, mapping: dict[Any, JSON]) -> dict[str, JSON]:
        """Lay what the merge key names under the mapping, and leave out what can't be a key."""
        result = {key: value for key, value in mapping.items() if isinstance(key, str)}
        merges = [(key, value) for key, value in mapping.items() if isinstance(key, _Merge)]
        for merge, value in merges:
            if merge is not merges[0][0]:
                self._tell(merge.event, *_SECOND_MERGE_KEY)
            for source in value if isinstance(value, list) else [value]:
                if isinstance(source, dict):
                    for key, merged in source.items():
                        result.setdefault(key, merged)
                else:
                    self._tell(merge.event, *_MERGE_KEY)
        return result

    def _anchor(self, event: Any) -> _Anchor:
        anchor = self._anchors[event.anchor] = _Anchor()
        anchor.weight -= self._nodes + self._aliased
        return anchor

    def _alias(self, event: Any) -> JSON:
        anchor = self._anchors.get(event.anchor)
        self._last_event = event
        if anchor is None:
            self._tell(event, *_UNKNOWN_ALIAS)
            return None
        if anchor.value is _OPEN:
            self._tell(event, *_RECURSIVE_ALIAS)
            return None
        self._aliased += anchor.weight
        if self._aliased > self._alias_budget:
            self._stop(event, "the aliases of this file stand for far more values than it holds")
        return anchor.value

    def _tell(self, event: Any, rule: str, message: str, hint: str) -> None:
        self._report(Problem(rule, message, hint, _place(event.start_mark)), event)

    def _report(self, problem: Problem, event: Any) -> None:
        self.problems.append(problem)
        if len(self.problems) >= MAX_PROBLEMS:
            self._stop(event, "the text has more than 1,000 defects; what follows was not read")

    def _stop_at_depth(self, event: Any) -> None:
        self._stop(event, _TOO_DEEP)

    def _stop(self, event: Any, message: str) -> NoReturn:
        raise _StoppedError(_limit(message, _place(event.start_mark)), event.start_mark.index)


_TOO_DEEP: Final = "values are nested more than 64 levels deep"


def _limit(message: str, place: Place) -> Problem:
    return Problem("yaml-limit", message, "Write it flatter, or split the file.", place)


_TAG: Final = (
    "yaml-tag",
    "tags (words that begin with `!`) are not read",
    "Take the tag out; put the value in quotes if it is text.",
)
_DUPLICATE_KEY: Final = (
    "duplicate-key",
    "the same key stands twice in one mapping, and programs differ in which one they take",
    "Take one of them out.",
)
_NON_STRING_KEY: Final = (
    "non-string-key",
    "this key is not a text",
    "Put the key in quotes.",
)
_SECOND_MERGE_KEY: Final = (
    "merge-key",
    "a mapping holds two merge keys",
    "Write one with a list: `<<: [*first, *second]`.",
)
_MERGE_KEY: Final = (
    "merge-key",
    "a merge key (`<<`) names something that is not a mapping",
    'Name a mapping, or a list of mappings; for a key of that name write `"<<"`.',
)
_UNKNOWN_ALIAS: Final = (
    "yaml-alias",
    "this alias names no anchor that stands before it in the document",
    "Define the anchor first (`&name`), or put the value in quotes if it is text.",
)
_RECURSIVE_ALIAS: Final = (
    "yaml-alias",
    "this alias stands inside of what it names",
    "Take it out: a value can't hold itself.",
)
_MISREADINGS: Final = {
    Misreading.AMBIGUOUS: (
        "ambiguous-scalar",
        "YAML 1.1 and YAML 1.2 read this differently; it is taken as the text that was written",
        "Quote it if it is text; write true or false for a boolean, and a number in plain decimal digits.",
    ),
    Misreading.RANGE: (
        "number-range",
        "this number is out of range: integers are exact up to 2^53 only, and infinity and NaN are none",
        "Quote it if it is text.",
    ),
}


# --- positions ---


class _Locator:
    """Finds where the nodes of one text stand; it reads as `_Reader` does, up to where that one stopped."""

    def __init__(self, data: bytes, stopped: int | None) -> None:
        self.documents: list[Tree] = []
        self.duplicates: dict[Place, Place] = {}
        next_event = event_source(data)
        self._next_event = next_event if stopped is None else partial(_next_before, stopped, next_event)
        self._anchors: dict[str, Tree] = {}
        self._texts: dict[str, str] = {}

    def read(self, documents: int) -> None:
        """Read so many documents; raises YAMLError or _StoppedError where it can't."""
        while len(self.documents) < documents:
            event = self._next_event()
            if event.__class__ is StreamEndEvent:
                break
            if event.__class__ is DocumentStartEvent:
                self._anchors.clear()
                self._texts.clear()
                self.documents.append(self.node(self._next_event()))

    def node(self, event: Any) -> Tree:
        """Locate the value that begins with an event."""
        kind = event.__class__
        if kind is AliasEvent:
            return self._anchors.get(event.anchor, _place(event.start_mark))
        if kind is ScalarEvent:
            tree: Tree = _scalar_place(event)
            if event.anchor is not None:
                self._texts[event.anchor] = event.value
        elif kind is MappingStartEvent:
            tree = self.mapping(event)
        else:
            tree = self.sequence(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = tree
        return tree

    def mapping(self, start: Any) -> Node:
        """Locate the values of a mapping up to its end."""
        next_event = self._next_event
        children: dict[str, Tree] = {}
        keys: dict[str, Mark] = {}
        merged: list[Tree] = []
        while (event := next_event()).__class__ is not MappingEndEvent:
            mark, key = event.start_mark, self._key(event)
            event = next_event()
            is_bare = event.__class__ is ScalarEvent and event.anchor is None and event.tag is None
            child = event.start_mark if is_bare else self.node(event)
            if key is _MERGED:
                merged.append(child)
            elif isinstance(key, str):
                if key in keys:
                    self.duplicates[_place(mark)] = _place(keys[key])
                children[key] = child
                keys.setdefault(key, mark)
        for source in _merge_sources(merged):
            for key, child in source.items():
                children.setdefault(key, child)
        return _node(start, event, children, keys)

    def sequence(self, start: Any) -> Node:
        """Locate the values of a list up to its end."""
        children: list[Tree] = []
        while (event := self._next_event()).__class__ is not SequenceEndEvent:
            children.append(self.node(event))
        return _node(start, event, children, {})

    def _key(self, event: Any) -> str | object | None:
        """Give a key's text, `_MERGED` for a merge key, None where it can't be a key."""
        kind = event.__class__
        if kind is AliasEvent:
            return self._texts.get(event.anchor)
        if kind is not ScalarEvent or event.anchor is not None:
            self.node(event)
        if kind is not ScalarEvent:
            return None
        if event.value == "<<" and not event.style and event.tag is None:
            return _MERGED
        text: str = event.value
        return text


def _next_before(stopped: int, next_event: Callable[[], Any]) -> Any:
    """Give the next event of a text that was read up to a character; raises _StoppedError for a node behind it."""
    event = next_event()
    mark = event.start_mark
    if mark.index >= stopped and event.__class__ in _BEGINNINGS:
        raise _StoppedError(_limit("the text was not read any further", _place(mark)), mark.index)
    return event


_BEGINNINGS: Final = frozenset({AliasEvent, ScalarEvent, MappingStartEvent, SequenceStartEvent})
_MERGED: Final = object()


def _merge_sources(merged: list[Tree]) -> Iterator[dict[str, Tree]]:
    """Give the children of every mapping that merge keys name, the strongest first."""
    for tree in merged:
        children = tree.children if isinstance(tree, Node) else []
        for source in children if isinstance(children, list) else [tree]:
            if isinstance(source, Node) and isinstance(source.children, dict):
                yield source.children


def _scalar_place(event: Any) -> Mark | Place:
    """Give the place of a scalar behind its anchor and tag, where it is plain and stands in one line with them."""
    start, end = event.start_mark, event.end_mark
    if (event.anchor or event.tag) and not event.style and start.line == end.line:
        return end.line + 1, end.column - len(event.value) + 1
    mark: Mark = start
    return mark


def _node(start: Any, end: Any, children: dict[str, Tree] | list[Tree], keys: dict[str, Mark]) -> Node:
    """Make a collection of its first and last event; it begins with its bracket, or its first key or entry."""
    has_properties = start.anchor is not None or start.tag is not None
    mark = start.end_mark if has_properties and not start.flow_style else start.start_mark
    return Node(mark, end.start_mark, children, keys)


# --- syntax errors, in words of our own ---

_UNPRINTABLE: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_SYNTAX: Final = {
    "mapping values are not allowed in this context": (
        "a colon stands where no key can be",
        "Check the indentation, and put the value in quotes if the colon belongs to it.",
    ),
    "mapping keys are not allowed in this context": (
        "a key stands where none can be",
        "Check the indentation.",
    ),
    "block sequence entries are not allowed in this context": (
        "a list entry (`- `) stands where none can be",
        "Begin the list in a line of its own, and check the indentation.",
    ),
    "could not find expected ':'": (
        "a key without a colon",
        "Write `key: value`, and check the indentation and the quotes above.",
    ),
    "did not find expected key": (
        "a key was to come here",
        "Check the indentation, and the quotes and brackets above.",
    ),
    "did not find expected '-' indicator": (
        "a list entry (`- `) was to come here",
        "Indent all entries of the list alike.",
    ),
    "did not find expected ',' or ']'": (
        "a list in brackets is not closed",
        "Put a comma between its entries, and `]` at its end.",
    ),
    "did not find expected ',' or '}'": (
        "a mapping in braces is not closed",
        "Put a comma between its entries, and `}` at its end; put `{{ ... }}` in quotes.",
    ),
    "did not find expected node content": (
        "a value was to come here",
        "Check the commas and brackets.",
    ),
    "did not find expected <document start>": (
        "text stands behind the end of the document",
        "Check the indentation and the brackets, or begin a document with `---`.",
    ),
    "found character that cannot start any token": (
        "no value can begin with this character",
        "Put the value in quotes, and indent with spaces rather than tabs.",
    ),
    "found a tab character that violates indentation": (
        "a tab stands in the indentation",
        "Indent with spaces.",
    ),
    "found a tab character where an indentation space is expected": (
        "a tab stands in the indentation",
        "Indent with spaces.",
    ),
    "found unexpected end of stream": (
        "the file ends inside of quotes",
        "Close the quotes.",
    ),
    "found unexpected document indicator": (
        "the document ends inside of quotes",
        "Close the quotes.",
    ),
    "found unknown escape character": (
        "an unknown escape stands in double quotes",
        "Write the backslash twice, or use single quotes.",
    ),
    "found invalid Unicode character escape code": (
        "an escape in double quotes names no character",
        "Write a character that exists; half a surrogate pair does not.",
    ),
    "found undefined tag handle": (
        "tags (words that begin with `!`) are not read",
        "Put the value in quotes.",
    ),
    "did not find expected alphabetic or numeric character": (
        "an anchor (`&`) or alias (`*`) has no name",
        "Put the value in quotes if it is text.",
    ),
    "found unexpected ':'": (
        "a colon stands inside of a value in brackets or braces",
        "Put the value in quotes.",
    ),
}

_NESTED_TOO_DEEP: Final = "exceeded maximum nesting depth"
"""What libyaml says from 0.2.6 on, which looks ahead as far as 1,000 open brackets before it gives the first."""


def _syntax_problem(error: YAMLError, data: bytes) -> Problem:
    """Say what libyaml could not read; its own texts name no data, but are for programmers."""
    if not isinstance(error, MarkedYAMLError):
        text = data.decode().removeprefix("\ufeff")
        control = _UNPRINTABLE.search(text)
        return Problem(
            "control-character",
            "a control character stands here, which YAML forbids",
            "Take it out, or write it as an escape in double quotes.",
            _place_of_character(text, control.start() if control else 0),
        )
    lines = max(len(data.splitlines()), 1)
    ended, began = _place_within(lines, error.problem_mark), _place_within(lines, error.context_mark)
    place = ended or began or (lines, 1)
    if error.problem == _NESTED_TOO_DEEP:
        return _limit(_TOO_DEEP, place)
    message, hint = _SYNTAX.get(error.problem or "", ("this is no YAML", "Check the text from here upwards."))
    return Problem("yaml-syntax", message, hint, place, () if began is None or began == place else (began,))


def _place_within(lines: int, mark: Any) -> Place | None:
    """Give the place of a mark, unless there is none or it lies past the last line, where something was left open."""
    return _place(mark) if mark is not None and mark.line < lines else None
