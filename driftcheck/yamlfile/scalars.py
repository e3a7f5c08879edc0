"""The meaning of an unquoted YAML scalar: YAML 1.2's core schema, and where YAML 1.1 reads something else.

Most programs still read YAML 1.1 (Norway's `no` is false, `0123` is 83, `12:30` is 750), which is easy to overlook.
Such a scalar is read as a string and reported.
"""

from __future__ import annotations

import math
import re
from enum import Enum
from typing import Final

MAX_INTEGER: Final = 2**53
"""Past it, integers are not exact in every program that reads JSON (RFC 8259, 6)."""


class Misreading(Enum):
    """Why a scalar is read as a string only."""

    AMBIGUOUS = "ambiguous-scalar"
    RANGE = "number-range"


_CONSTANTS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_OLD_BOOLEANS: Final = frozenset(
    spelling for word in ("yes", "no", "on", "off") for spelling in (word, word.capitalize(), word.upper())
)
_NO_NUMBERS: Final = frozenset(
    f"{sign}.{word}" for sign in ("", "+", "-") for word in ("inf", "Inf", "INF", "nan", "NaN", "NAN")
)

_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_HEXADECIMAL: Final = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?[0-9]+\.[0-9]*(?:[eE][-+][0-9]+)?|\.[0-9]+(?:[eE][-+][0-9]+)?")
"""Only forms that both versions read alike."""
_AMBIGUOUS: Final = re.compile(
    r"""
      [-+]?0[0-9_]+                                       # octal in 1.1, decimal in 1.2
    | [-+]?0o[0-7_]+ | [-+]?0b[01_]+ | [-+]?0x[0-9a-fA-F_]+
    | [-+]?[0-9][0-9_]*                                   # 1_000
    | [-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?    # base 60
    | [-+]?(?:[0-9][0-9_]*)?\.?[0-9_]+(?:[eE][-+]?[0-9]+)?
    | [-+]?[0-9][0-9_]*\.(?:[eE][-+]?[0-9]+)?
    """,
    re.VERBOSE,
)
_NUMERIC: Final = re.compile(r"[-+0-9_.:eE]+")
_MAX_LENGTH: Final = 400
"""What is longer and looks like a number is out of range; it is not converted (Python refuses 4,300 digits)."""


def resolve_scalar(text: str) -> str | float | bool | Misreading | None:
    """Return the value of an unquoted scalar, or why it is uncertain."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text in _OLD_BOOLEANS:
        return Misreading.AMBIGUOUS
    if text[0] not in "+-.0123456789":
        return text
    if text in _NO_NUMBERS:
        return Misreading.RANGE
    if len(text) > _MAX_LENGTH:
        return Misreading.RANGE if _NUMERIC.fullmatch(text) else text
    if _INTEGER.fullmatch(text):
        return _integer(text, 10)
    if _HEXADECIMAL.fullmatch(text):
        return _integer(text, 16)
    if _FLOAT.fullmatch(text):
        return _float(text)
    return Misreading.AMBIGUOUS if _is_ambiguous(text) else text


def _integer(text: str, base: int) -> int | Misreading:
    number = int(text, base)
    return number if abs(number) <= MAX_INTEGER else Misreading.RANGE


def _float(text: str) -> float | Misreading:
    number = float(text)
    return number if math.isfinite(number) else Misreading.RANGE


def _is_ambiguous(text: str) -> bool:
    return _AMBIGUOUS.fullmatch(text) is not None and any(character.isdigit() for character in text)
