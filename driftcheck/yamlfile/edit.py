"""Edits YAML text: writes new values, and changes the text only where a value changed.

The text is spliced at the positions that libyaml reports, so that comments, quoting, order, blank lines, line ends and
anchors around a changed value keep every byte. The result is read again, and refused unless it holds exactly the
intended values.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from driftcheck.alignment import opcodes
from driftcheck.model import ABSENT, JSON
from driftcheck.yamlfile import reader, writing
from driftcheck.yamlfile.parsed import Parsed

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_PROPERTY: Final = re.compile(r"&\S+[ \t]*")
_GAP: Final = re.compile(r"(?:\s|#[^\n]*)*")
"""White space and comments."""
_COMMENT: Final = re.compile(r"[ \t]+#.*")
_MOST_PAIRS: Final = 250_000
"""To how many entries the lengths of the lists that `difflib` aligns may multiply, in one text together."""


T = TypeVar("T")


class EditError(Exception):
    """The layout of a text does not allow the change; the message says why and quotes no value."""


@dataclass(slots=True, eq=False)
class _Node:
    """One value in the text: from `start` (without anchor) up to `end`, both indexes into the text."""

    outer: int
    """Where it begins, anchor included."""
    start: int
    end: int
    style: str
    """Of a scalar: empty, `'`, `"`, `|` or `>`; of a collection: `flow` or `block`; else `alias`."""
    value: str = ""
    anchor: str | None = None
    pairs: list[tuple[_Node, _Node]] | None = None
    items: list[_Node] | None = None
    target: _Node | None = None
    """The value that an alias refers to."""


@dataclass(slots=True)
class _Use:
    """An alias, and the value that it is to refer to."""

    node: _Node
    old: JSON
    new: JSON


@dataclass(frozen=True, slots=True)
class _Slot:
    """Where a value is: after `head` (the index behind its colon or dash), in a collection at column `column`."""

    head: int
    column: int
    in_flow: bool
    is_entry: bool = False
    """Whether it is the entry of a list."""


def rewrite(
    data: bytes, new: Sequence[JSON], *, keys: Collection[str] = (), parsed: Parsed | None = None
) -> tuple[bytes, Parsed]:
    """Return the text with the values of its documents replaced by `new`, one for each document, and what it holds.

    List entries are paired by the first of `keys` that they have, otherwise by their content. Raises EditError if the
    text has defects or its layout does not allow the change. `parsed` is what the text holds, where that is known.
    """
    parsed = parsed or reader.parse(data)
    if parsed.broken or parsed.problems or len(parsed.documents) != len(new):
        raise EditError("the file has defects; fix them first")
    mark = _BYTE_ORDER_MARK if data.startswith(_BYTE_ORDER_MARK) else b""
    text = data[len(mark) :].decode()
    editor = _Editor(text, keys, newline="\r\n" if "\r\n" in text else "\n")
    for node, old, value in zip(_trees(text), parsed.documents, new, strict=True):
        editor.edit_document(node, old, value)
    result = mark + _spliced(text, editor.splices).encode()
    again = reader.parse(result)
    if again.broken or again.problems or not same(list(again.documents), list(new)):
        raise EditError("the layout of the file does not allow this change without touching other values")
    return result, again


def scalars(text: str, root: T, below: Callable[[T, str | int], T]) -> Iterator[tuple[T, str, int, int]]:
    """Yield each scalar of a valid text: its owner, its value, and its range.

    `below` returns the owner of an entry of a mapping (by its key) or of a list (0); owners must be few. What
    an anchor names is yielded once for each of them. Keys are of the root.
    """
    known: set[tuple[int, int]] = set()
    for tree in _trees(text):
        pending = [(tree, root)]
        while pending:
            node, thing = pending.pop()
            if node.target is not None:
                if (id(node.target), id(thing)) in known:
                    continue
                known.add((id(node.target), id(thing)))
                node = node.target
            pending += [(item, below(thing, 0)) for item in node.items or ()]
            for key, value in node.pairs or ():
                is_merge = _is_merge(key)
                sources = value.items if is_merge and value.items is not None else [value]
                pending += [(source, thing if is_merge else below(thing, key.value)) for source in sources]
                pending.append((key, root))
            if node.pairs is None and node.items is None:
                yield thing, node.value, node.start, node.end


def same(one: JSON, other: JSON) -> bool:
    """Return whether two values are equal in type, too (1 is neither 1.0 nor true); the order of keys is free."""
    if one is other:
        return True
    if one.__class__ is not other.__class__:
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def _spliced(text: str, splices: Sequence[tuple[int, int, str]]) -> str:
    """Return the text with each range replaced; ranges that overlap are merged if they only delete."""
    parts: list[str] = []
    position = 0
    for start, end, replacement in sorted(splices, key=lambda splice: splice[:2]):
        if start < position and replacement:
            raise EditError("two changes of this file touch the same text")
        if end > position or replacement:
            parts += [text[position : max(start, position)], replacement]
            position = max(position, end)
    return "".join([*parts, text[position:]])


# --- the text as nodes ---


def _trees(text: str) -> Iterator[_Node]:
    next_event = reader.event_source(text.encode())
    while (event := next_event()).__class__.__name__ != "StreamEndEvent":
        if event.__class__.__name__ == "DocumentStartEvent":
            yield _Builder(text, next_event).node(next_event())


class _Builder:
    """Builds the nodes of one document."""

    def __init__(self, text: str, next_event: Callable[[], Any]) -> None:
        self._text = text
        self._next_event = next_event
        self._anchors: dict[str, _Node] = {}

    def node(self, event: Any) -> _Node:
        kind = event.__class__.__name__
        outer, end = event.start_mark.index, event.end_mark.index
        if kind == "AliasEvent":
            return _Node(outer, outer, end, "alias", target=self._anchors.get(event.anchor), anchor=event.anchor)
        start = outer
        if event.anchor is not None:
            behind = _PROPERTY.match(self._text, outer)
            start = _gap_end(self._text, behind.end() if behind else outer)
        if kind == "ScalarEvent":
            if start > end:  # an anchor without a value
                start = end
            if event.style in ("|", ">"):
                end = start + len(self._text[start:end].rstrip("\r\n"))
            node = _Node(outer, start, end, event.style or "", value=event.value, anchor=event.anchor)
        else:
            node = _Node(outer, start, start, "flow" if event.flow_style else "block", anchor=event.anchor)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        if kind == "MappingStartEvent":
            node.pairs = []
            while (event := self._next_event()).__class__.__name__ != "MappingEndEvent":
                key = self.node(event)
                node.pairs.append((key, self.node(self._next_event())))
            self._close(node, event, [child for pair in node.pairs for child in pair])
        elif kind == "SequenceStartEvent":
            node.items = []
            while (event := self._next_event()).__class__.__name__ != "SequenceEndEvent":
                node.items.append(self.node(event))
            self._close(node, event, node.items)
        return node

    def _close(self, node: _Node, event: Any, children: Sequence[_Node]) -> None:
        if node.style == "flow":
            node.end = event.end_mark.index
            if self._text[node.start : node.start + 1] not in ("{", "["):
                node.style = "pair"  # `[a: b]`: a mapping without braces
        elif children:
            if node.pairs:
                node.start = children[0].outer
            node.end = max(child.end for child in children[-2:])


def _gap_end(text: str, index: int) -> int:
    match = _GAP.match(text, index)
    return match.end() if match else index


# --- what changes ---


@dataclass(slots=True)
class _Editor:
    text: str
    keys: Collection[str]
    splices: list[tuple[int, int, str]] = field(default_factory=list)
    newline: str = "\n"
    layout: writing.Layout = writing.LAYOUT
    pairs_left: int = _MOST_PAIRS
    uses: dict[int, list[_Use]] = field(default_factory=dict)
    """By the identity of what an anchor names: its aliases, in their order."""
    values: dict[int, JSON] = field(default_factory=dict)
    """What an anchor names, by identity: its value so far."""
    in_place: set[int] = field(default_factory=set)
    """What an anchor names and may be changed where it is, since every alias of it changes alike."""

    def edit_document(self, root: _Node, old: JSON, new: JSON) -> None:
        """Splice what turns the document `old` into `new`."""
        if same(old, new):
            return
        self.layout = _layout(self.text, root)
        self.uses, self.values, self.in_place = {}, {}, set()
        if "&" in self.text:
            self._find_uses(root, old, new)
        self._edit(root, old, new, _Slot(root.start, -self.layout.step, in_flow=False))

    # Aliases: each is followed to what it names, with the value that it had and is to have.

    def _find_uses(self, node: _Node, old: JSON, new: JSON) -> None:
        if node.style == "alias" and node.target is not None:
            self.uses.setdefault(id(node.target), []).append(_Use(node, old, new))
            return
        if node.anchor is not None:
            self.values[id(node)] = old
        if node.pairs is not None:
            for key, value in node.pairs:
                if _is_merge(key):
                    for source in value.items if value.items is not None else [value]:
                        if source.style == "alias" and source.target is not None:
                            self.uses.setdefault(id(source.target), []).append(_Use(source, ABSENT, ABSENT))
                elif isinstance(old, dict) and key.value in old:
                    after = new.get(key.value, ABSENT) if isinstance(new, dict) else ABSENT
                    self._find_uses(value, old[key.value], after)
        elif node.items is not None and isinstance(old, list):
            pairs = {i: j for i, j in self._aligned(old, new) if i is not None and j is not None}
            for index, item in enumerate(node.items):
                self._find_uses(item, old[index], new[pairs[index]] if index in pairs else ABSENT)

    def _edit(self, node: _Node, old: JSON, new: JSON, slot: _Slot) -> None:
        if same(old, new):
            return
        if node.style == "alias":
            if id(node.target) not in self.in_place:
                self._edit_alias(node, old, new, slot)
            return
        if node.anchor is not None and (uses := self.uses.get(id(node))):
            if all(same(use.new, new) for use in uses):
                self.in_place.add(id(node))
            else:
                self._move_anchor(node, uses)
                self._drop_anchor(node)
        if node.pairs is not None and isinstance(new, dict) and node.style != "pair":
            self._edit_mapping(node, old, new, slot)
        elif node.items is not None and isinstance(new, list):
            self._edit_sequence(node, old, new, slot)
        else:
            self._replace(node, new, slot)

    def _edit_alias(self, node: _Node, old: JSON, new: JSON, slot: _Slot) -> None:
        """Replace an alias by its own value, merged over the value that it named if that is shorter."""
        if isinstance(old, dict) and isinstance(new, dict) and old.keys() <= new.keys():
            changed = {key: value for key, value in new.items() if key not in old or not same(old[key], value)}
            if len(changed) < len(new):
                self._replace(node, changed, slot, merged=f"*{node.anchor}")
                return
        self._replace(node, new, slot)

    def _move_anchor(self, node: _Node, uses: Sequence[_Use]) -> None:
        """Let the first alias that keeps the old value define it, so that a change of this node is its own."""
        keeps = next((use for use in uses if use.old is ABSENT or same(use.old, use.new)), None)
        if keeps is None:
            return
        is_line = node.style in ("", "'", '"') and "\n" not in self.text[node.start : node.end]
        if not is_line and id(node) not in self.values:
            raise EditError("an anchor in a key, or below a key that is an alias, can't be moved")
        kept = self.text[node.start : node.end] if is_line else writing.flow(self.values[id(node)])
        self.splices.append((keeps.node.start, keeps.node.end, f"&{node.anchor} {kept}".rstrip()))

    def _drop_anchor(self, node: _Node) -> None:
        end = node.outer + len(f"&{node.anchor}")
        start = node.outer
        if node.start > end and "\n" not in self.text[end : node.start]:
            end = node.start
        elif self.text[start - 1 : start] == " ":
            start -= 1
        self.splices.append((start, end, ""))

    def _keep_anchors(self, *removed: _Node) -> None:
        """Move the anchors of values that are removed to the first alias that stays."""
        pending = list(removed)
        inside: set[int] = set()
        anchored = []
        while pending:
            node = pending.pop()
            inside.add(id(node))
            if node.anchor is not None and node.style != "alias":
                anchored.append(node)
            pending += [child for pair in node.pairs or [] for child in pair] + (node.items or [])
        for node in anchored:
            self._move_anchor(node, [use for use in self.uses.get(id(node), []) if id(use.node) not in inside])

    # Collections: entries are kept, changed, removed and inserted one by one.

    def _edit_mapping(self, node: _Node, old: Mapping[str, JSON], new: dict[str, JSON], slot: _Slot) -> None:
        pairs = node.pairs or []
        own = {key.value: number for number, (key, _) in enumerate(pairs) if not _is_merge(key)}
        merged = old.keys() - own.keys()
        removed = [own[key] for key in own if key not in new]
        has_merge = len(own) < len(pairs)
        shows_through = removed and has_merge and _may_be_merged(pairs, removed)
        if merged - new.keys() or shows_through or len(removed) == len(pairs):
            self._replace(node, new, slot)
            return
        self._keep_anchors(*(node for number in removed for node in pairs[number]))
        column = _column(self.text, pairs[0][0].outer)
        in_flow = node.style == "flow"
        for key, number in own.items():
            if key in new:
                name, value = pairs[number]
                self._edit(value, old[key], new[key], _Slot(self._colon(name), column, slot.in_flow or in_flow))
        spans = [(key.outer, value.end) for key, value in pairs]
        self._remove(spans, removed, in_flow=in_flow)
        before = max({*range(len(pairs))} - {*removed})
        for key, value in new.items():
            if key in own:
                before = own[key]
            elif key not in merged or not same(old[key], value):
                text = f"{writing.text(key, in_flow=True)}: {writing.flow(value)}"
                lines = writing.entry(f"{' ' * column}{writing.text(key)}:", value, column, self.layout)
                self._insert(spans[before], text, lines, in_flow=in_flow)

    def _insert(
        self, span: tuple[int, int], text: str, lines: Iterable[str], *, in_flow: bool, in_front: bool = False
    ) -> None:
        """Insert an entry behind another one, or in front of it: as text in a flow collection, else as lines."""
        if in_flow:
            at = span[0] if in_front else span[1]
            new = f"{text}, " if in_front else f", {text}"
        elif in_front:
            at, new = _line_start(self.text, span[0]), "".join(f"{line}{self.newline}" for line in lines)
        else:
            at, new = _line_end(self.text, span[1]), "".join(f"{self.newline}{line}" for line in lines)
        self.splices.append((at, at, new))

    def _edit_sequence(self, node: _Node, old: list[JSON], new: list[JSON], slot: _Slot) -> None:
        items = node.items or []
        aligned = self._aligned(old, new)
        removed = [i for i, j in aligned if i is not None and j is None]
        if len(removed) == len(items):
            self._replace(node, new, slot)
            return
        self._keep_anchors(*(items[number] for number in removed))
        in_flow = node.style == "flow"
        starts = [item.outer for item in items] if in_flow else self._dashes(node)
        spans = [(start, max(item.end, start + 1)) for start, item in zip(starts, items, strict=True)]
        column = 0 if in_flow else _column(self.text, starts[0])
        leads = any(i is None for i, _ in itertools.takewhile(lambda pair: None in pair, aligned))
        if not in_flow and leads and self.text[_line_start(self.text, starts[0]) : starts[0]].strip():
            self._replace(node, new, slot)  # the first dash shares its line with another one
            return
        first = min(i for i, j in aligned if i is not None and j is not None)
        previous: int | None = None
        for i, j in aligned:
            if i is not None and j is not None:
                head = items[i].start if in_flow else starts[i] + 1
                self._edit(items[i], old[i], new[j], _Slot(head, column, slot.in_flow or in_flow, is_entry=True))
                previous = i
            elif j is not None:
                lines = writing.block([new[j]], column, self.layout)
                near = spans[first if previous is None else previous]
                self._insert(near, writing.flow(new[j]), lines, in_flow=in_flow, in_front=previous is None)
        self._remove(spans, removed, in_flow=in_flow)

    def _aligned(self, old: list[JSON], new: JSON) -> list[tuple[int | None, int | None]]:
        """Return the positions of entries that belong together, in the order of `new`; None if a side has none."""
        if not isinstance(new, list):
            return [(index, None) for index in range(len(old))]
        one, other = [self._identity(entry) for entry in old], [self._identity(entry) for entry in new]
        found: list[tuple[int | None, int | None]] = []
        spent = len(one) * len(other)
        for tag, i, i_end, j, j_end in opcodes(one, other, self.pairs_left):
            common = min(i_end - i, j_end - j) if tag in ("equal", "replace") else 0
            if tag == "replace" and any(name.startswith("=") for name in (*one[i:i_end], *other[j:j_end])):
                common = 0  # an entry of another name is another entry
            found += [(i + n, j + n) for n in range(common)]
            found += [(n, None) for n in range(i + common, i_end)]
            found += [(None, n) for n in range(j + common, j_end)]
        self.pairs_left -= spent if spent <= self.pairs_left else 0
        in_place: list[tuple[int | None, int | None]] = [(index, index) for index in range(len(old))]
        has_names = any(name.startswith("=") for name in (*one, *other))
        if len(old) == len(new) and not has_names and _apart(one, other, in_place) <= _apart(one, other, found):
            return in_place
        return found

    def _identity(self, entry: JSON) -> str:
        if isinstance(entry, dict):
            key = next((key for key in self.keys if isinstance(entry.get(key), str)), None)
            if key is not None:
                return f"={key}={entry[key]}"
        return json.dumps(entry, sort_keys=True)

    # Removal: whole lines of a block with the comment lines directly above, or an entry with one comma.

    def _remove(self, spans: Sequence[tuple[int, int]], removed: Sequence[int], *, in_flow: bool) -> None:
        if in_flow:
            last_kept = max({*range(len(spans))} - {*removed})
            for number in removed:
                if number < last_kept:
                    self.splices.append((spans[number][0], spans[number + 1][0], ""))
                else:
                    self.splices.append((spans[number - 1][1], spans[number][1], ""))
            return
        leading = 0
        start = spans[0][0]
        if removed and self.text[_line_start(self.text, start) : start].strip():
            # The first entry shares its line with a dash: what follows it moves up.
            while leading in removed:
                leading += 1
            if leading:
                behind = _next_line(self.text, spans[leading - 1][1])
                self.splices.append((start, _skip_spaces(self.text, behind), ""))
        for number in removed:
            if number >= leading:
                self.splices.append(self._whole_lines(*spans[number]))

    def _whole_lines(self, start: int, end: int) -> tuple[int, int, str]:
        first = _line_start(self.text, start)
        margin = self.text[first:start]
        while first > 0:
            above = _line_start(self.text, first - 1)
            line = self.text[above : first - 1]
            if not line.startswith(f"{margin}#"):
                break
            first = above
        behind = _next_line(self.text, end)
        if behind == len(self.text) and not self.text.endswith("\n") and first > 0:
            newline = 2 if self.text[first - 2 : first] == "\r\n" else 1
            return first - newline, behind, ""
        return first, behind, ""

    # Replacement of a value as a whole.

    def _replace(self, node: _Node, new: JSON, slot: _Slot, merged: str | None = None) -> None:
        self._keep_anchors(*(child for pair in node.pairs or [] for child in pair), *(node.items or []))
        is_block = node.style in ("block", "|", ">")
        if node.style == "|" and isinstance(new, str) and (lines := _literal(new)):
            self._replace_literal(node, lines)
            return
        if slot.head == node.start and not slot.is_entry and slot.column < 0:
            raise EditError("a document can't be replaced as a whole")
        is_alone = is_block or not self.text[node.end : _line_end(self.text, node.end)].strip()
        in_lines = is_alone and not slot.in_flow and node.style not in ("flow", "pair")
        if in_lines and isinstance(new, dict | list) and (new or merged):
            self._replace_by_block(node, new, slot, merged)
            return
        if merged is not None and isinstance(new, dict):
            pairs = (f", {writing.text(key, in_flow=True)}: {writing.flow(value)}" for key, value in new.items())
            text = "".join(["{<<: ", merged, *pairs, "}"])
        elif isinstance(new, dict | list):
            text = writing.flow(new)
        else:
            quote = node.style if node.style in ("'", '"') else ""
            text = writing.scalar(new, quote=quote, in_flow=slot.in_flow)
        if node.style != "block":
            needs_space = self.text[node.start - 1 : node.start] not in (" ", "\t", "[", "{", "\n") and node.start > 0
            self.splices.append((node.start, node.end, f"{' ' * needs_space}{text}{self._header_comment(node)}"))
            return
        head = node.start if node.anchor and id(node) in self.in_place else slot.head
        line_end = _line_end(self.text, slot.head)
        if self.text[slot.head : line_end].strip().startswith("#"):
            self.splices += [(head, head, f" {text}"), (line_end, node.end, "")]
        else:
            self.splices.append((head, node.end, f" {text}"))

    def _header_comment(self, node: _Node) -> str:
        """Return the comment in the first line of a literal or folded text, with the space before it."""
        if node.style not in ("|", ">"):
            return ""
        found = _COMMENT.search(self.text, node.start, _line_end(self.text, node.start))
        return found[0].rstrip() if found else ""

    def _replace_literal(self, node: _Node, lines: Sequence[str]) -> None:
        """Put other lines in a literal block, indented as before."""
        first = _next_line(self.text, node.start)
        while first < node.end and not self.text[first : _line_end(self.text, first)].strip():
            first = _next_line(self.text, first)
        margin = self.text[first : _skip_spaces(self.text, first)]
        comment = self.text[node.start : _line_end(self.text, node.start)].partition(" ")[2]
        head = f"{lines[0]} {comment}".rstrip()
        body = "".join(f"{self.newline}{margin}{line}".rstrip(" ") for line in lines[1:])
        self.splices.append((node.start, node.end, head + body))

    def _replace_by_block(
        self, node: _Node, new: dict[str, JSON] | list[JSON], slot: _Slot, merged: str | None
    ) -> None:
        """Put a collection on its own lines below its key, or behind the dash of its entry."""
        indent = self.layout.step if isinstance(new, dict) else self.layout.offset
        column = slot.column + (2 if slot.is_entry else indent)
        lines = [f"{' ' * column}<<: {merged}"] if merged is not None else []
        lines += writing.block(new, column, self.layout) if new else []
        end = node.end
        header = self._header_comment(node)
        if slot.is_entry:
            first = f" {lines[0][column:]}{header}"
            self.splices.append((slot.head, end, first + "".join(f"{self.newline}{x}" for x in lines[1:])))
            return
        line_end = _line_end(self.text, slot.head)
        comment = self.text[slot.head : line_end]
        if comment.strip().startswith("#") and node.style == "block":
            self.splices.append((line_end, end, "".join(f"{self.newline}{line}" for line in lines)))
        else:
            self.splices.append((slot.head, end, header + "".join(f"{self.newline}{line}" for line in lines)))

    # Where keys and entries begin.

    def _colon(self, key: _Node) -> int:
        index = _gap_end(self.text, key.end)
        if self.text[index : index + 1] != ":":
            raise EditError("a key that is not written as `key:` holds the value")
        return index + 1

    def _dashes(self, node: _Node) -> list[int]:
        """Return the indexes of the dashes of a block list."""
        found, index = [], node.start
        for item in node.items or []:
            if self.text[index : index + 1] != "-":
                raise EditError("the dashes of a list could not be found")
            found.append(index)
            index = _gap_end(self.text, max(item.end, node.start + 1))
        return found


def _apart(one: Sequence[str], other: Sequence[str], aligned: Sequence[tuple[int | None, int | None]]) -> int:
    return sum(i is None or j is None or one[i] != other[j] for i, j in aligned)


def _literal(value: str) -> list[str]:
    """Return header and lines of a literal block; none if the text is better written in quotes."""
    body = value.rstrip("\n")
    lines = body.split("\n")
    if len(lines) < 2 or any(not line.isprintable() or line != line.rstrip(" ") for line in lines):
        return []
    if lines[0][:1] in ("", " ") or len(value) - len(body) > 1:
        return []
    return ["|" if value.endswith("\n") else "|-", *lines]


def _may_be_merged(pairs: Sequence[tuple[_Node, _Node]], removed: Collection[int]) -> bool:
    """Return whether a merge key might provide a key whose own value is removed."""
    sources = [source for key, value in pairs if _is_merge(key) for source in (value.items or [value])]
    keys = [key for source in sources for key, _ in (source.target or source).pairs or ()]
    return any(map(_is_merge, keys)) or not {key.value for key in keys}.isdisjoint(pairs[n][0].value for n in removed)


def _is_merge(key: _Node) -> bool:
    return key.value == "<<" and key.style == ""


def _line_start(text: str, index: int) -> int:
    return text.rfind("\n", 0, index) + 1


def _line_end(text: str, index: int) -> int:
    """Return the end of the line that holds an index, in front of its line break."""
    end = text.find("\n", index)
    if end < 0:
        return len(text)
    return end - 1 if end > index and text[end - 1] == "\r" else end


def _next_line(text: str, index: int) -> int:
    end = text.find("\n", index)
    return len(text) if end < 0 else end + 1


def _skip_spaces(text: str, index: int) -> int:
    while index < len(text) and text[index] == " ":
        index += 1
    return index


def _column(text: str, index: int) -> int:
    return index - _line_start(text, index)


def _layout(text: str, root: _Node) -> writing.Layout:
    """Return how this document indents nested mappings, and lists against their keys."""
    step: int | None = None
    offset: int | None = None
    pending = [root]
    while pending and (step is None or offset is None):
        node = pending.pop(0)
        for key, value in node.pairs or []:
            if node.style == "block" and value.style == "block":
                below = _column(text, value.start) - _column(text, key.outer)
                if value.pairs and step is None and below > 0:
                    step = below
                elif value.items and offset is None and below >= 0:
                    offset = below
            pending.append(value)
        pending += node.items or []
    return writing.Layout(step or 2, 2 if offset is None else offset)
