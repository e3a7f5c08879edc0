"""Writes YAML text: scalars, block and flow collections that every version of YAML reads alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from driftcheck.model import JSON
from driftcheck.yamlfile.scalars import resolve_scalar

_WORD: Final = r"[A-Za-z0-9_./@+=~-][A-Za-z0-9_./@+=,~-]*(?::[A-Za-z0-9_./@+=,~-]+)*"
_PLAIN: Final = re.compile(rf"-{{0,2}}[A-Za-z0-9_./][A-Za-z0-9_./@+=,~-]*(?::[A-Za-z0-9_./@+=,~-]+)*(?: {_WORD})*")
"""Text without characters that mean something to YAML; single spaces between words."""
_SINGLE_LETTERS_OF_1_1: Final = frozenset("yYnN")
_DATE_OF_1_1: Final = re.compile(r"[0-9]{4}-[0-9]")
_ESCAPES: Final = {'"': r"\"", "\\": r"\\", "\n": r"\n", "\t": r"\t", "\r": r"\r"}


def scalar(value: JSON, *, quote: str = "", in_flow: bool = False) -> str:
    """Return a scalar on one line; `quote` (`'` or `"`) is kept for text that was quoted so far."""
    if isinstance(value, str):
        return text(value, quote=quote, in_flow=in_flow)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    number = repr(value)
    return number if "." in number or "e" not in number else number.replace("e", ".0e")


def text(value: str, *, quote: str = "", in_flow: bool = False) -> str:
    """Return text unquoted if every version of YAML reads it as that text, else in quotes."""
    if quote == "'" and value.isprintable() and "##[" not in value:
        return "'" + value.replace("'", "''") + "'"
    is_plain = (
        quote == "" and _PLAIN.fullmatch(value) and resolve_scalar(value) == value and not _is_special_in_1_1(value)
    )
    if is_plain and not (in_flow and "," in value):
        return value
    return f'"{"".join(map(_escaped, value))}"'.replace("##[", r"##\x5b")


def _is_special_in_1_1(value: str) -> bool:
    return value in _SINGLE_LETTERS_OF_1_1 or _DATE_OF_1_1.match(value) is not None


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def flow(value: JSON) -> str:
    """Return any value on one line, collections in brackets and braces."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{text(key, in_flow=True)}: {flow(child)}" for key, child in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(child) for child in value) + "]"
    return scalar(value, in_flow=True)


Pointer: TypeAlias = tuple[str | int, ...]
"""Keys and list indexes from the root of what is written down to a value."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How collections are indented, and the comments among them, by the values that they are about."""

    step: int = 2
    """By how many columns a nested mapping is indented."""
    offset: int = 2
    """By how many columns a list is indented against its key."""
    beside: Mapping[Pointer, str] = field(default_factory=dict)
    """Behind scalars, in their lines."""
    below: Mapping[Pointer, Sequence[str]] = field(default_factory=dict)
    """At the ends of collections, in lines of their own."""


LAYOUT: Final = Layout()


def block(value: dict[str, JSON] | list[JSON], indent: int, layout: Layout = LAYOUT, at: Pointer = ()) -> Iterator[str]:
    """Yield the lines of a collection that is not empty; `indent` is its column, `at` where it is."""
    margin = " " * indent
    entries: Iterable[tuple[Any, JSON]] = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in entries:
        if isinstance(value, dict):
            yield from entry(f"{margin}{text(key)}:", child, indent, layout, (*at, key))
        elif isinstance(child, dict | list) and child:
            first, *rest = block(child, indent + 2, layout, (*at, key))
            yield f"{margin}- {first[indent + 2 :]}"
            yield from rest
        else:
            yield from entry(f"{margin}-", child, indent, layout, (*at, key))
    yield from (f"{margin}{comment}" for comment in layout.below.get(at, ()))


def entry(head: str, value: JSON, indent: int, layout: Layout, at: Pointer = ()) -> Iterator[str]:
    """Yield the lines of an entry of a collection at column `indent`; `head` is its key and colon, or its dash."""
    inner = indent + (layout.step if isinstance(value, dict) else layout.offset)
    if isinstance(value, dict | list) and value:
        yield head
        yield from block(value, inner, layout, at)
        return
    yield f"{head} {flow(value) if isinstance(value, dict | list) else scalar(value)}{layout.beside.get(at, '')}"
    yield from (f"{' ' * inner}{comment}" for comment in layout.below.get(at, ()))
