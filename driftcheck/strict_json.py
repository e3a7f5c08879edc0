"""Strict JSON: one reader for listings, snapshots and saved reports."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any, Final, NoReturn

from driftcheck.model import JSON

MAX_DEPTH: Final = 64

_TORN: Final = re.compile(r"-|tr?u?|fa?l?s?|nu?l?|\.|[eE][+-]?|\\?u?[0-9A-Fa-f]{0,4}|\s*")
"""The beginnings of words, numbers and escapes that a truncated text may end with."""

_WHITESPACE: Final = b" \t\r\n"
"""What may be between a key and its colon; without it there are at least as many `":` as keys (RFC 8259, 2)."""


class MalformedError(ValueError):
    """Data that is not strict JSON, or not of the expected shape; the text says why and quotes nothing.

    `cut` if the end seems to be missing, so that a new request may help.
    """

    def __init__(self, reason: str, *, cut: bool = False) -> None:
        super().__init__(reason)
        self.cut = cut


def parse(data: bytes, *, max_depth: int = MAX_DEPTH) -> JSON:
    """Return the value of strict JSON: UTF-8, no duplicate keys, no NaN or infinity, bounded depth.

    Raises MalformedError.
    """
    written = data.translate(None, _WHITESPACE).count(b'":')
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MalformedError("not valid UTF-8") from None
    del data
    value = _loads(text)
    if _count_keys(value, max_depth) != written:
        _loads(text, object_pairs_hook=_refuse_duplicates)
    return value


def _loads(text: str, object_pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None) -> JSON:
    try:
        return json.loads(
            text, object_pairs_hook=object_pairs_hook, parse_float=_finite_float, parse_constant=_refuse_constant
        )
    except MalformedError:
        raise
    except json.JSONDecodeError as error:
        cut = error.msg != "Extra data" and _TORN.fullmatch(text, error.pos) is not None
        cut = cut or error.msg.startswith("Unterminated")
        raise MalformedError(f"not valid JSON (line {error.lineno}, column {error.colno})", cut=cut) from None
    except RecursionError:
        raise MalformedError("nested too deeply") from None
    except ValueError:
        raise MalformedError("a number has thousands of digits") from None


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> None:
    """Refuse an object with a duplicate key; slow, so it is only used if the number of keys is suspicious."""
    if len(dict(pairs)) != len(pairs):
        raise MalformedError("an object has a duplicate key")


def _finite_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise MalformedError("a number is out of range")
    return value


def _refuse_constant(_: str) -> NoReturn:
    raise MalformedError("NaN and Infinity are not JSON")


def _count_keys(value: JSON, max_depth: int) -> int:
    """Count the keys of all objects, level by level; raises MalformedError past `max_depth` levels."""
    keys = 0
    level = [value]
    for _ in range(max_depth + 1):
        below: list[JSON] = []
        for node in level:
            if node.__class__ is dict:
                keys += len(node)
                below += node.values()
            elif node.__class__ is list:
                below += node
        if not below:
            return keys
        level = below
    raise MalformedError(f"nested deeper than {max_depth} levels")
