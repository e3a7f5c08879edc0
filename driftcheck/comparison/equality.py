"""Equivalences: when the service could not tell two values apart.

Each is one function with the fact behind it; the schema's annotations say where it holds. What no
function here makes equal differs.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from driftcheck.fields import Field, is_number
from driftcheck.model import JSON

if TYPE_CHECKING:
    from decimal import Decimal
    from fractions import Fraction

_SUFFIXES: Final = {
    "": (1, 0),
    **{suffix: (1000, power) for power, suffix in enumerate("kMGTPE", start=1)},
    **{f"{suffix}i": (1024, power) for power, suffix in enumerate("KMGTPE", start=1)},
    **{suffix: (1000, -power) for power, suffix in enumerate("mun", start=1)},
}
"""Base and exponent."""
_QUANTITY: Final = re.compile(
    r"(?P<number>[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40}))"
    r"(?:[eE](?P<exponent>[+-]?[0-9]{1,2})|(?P<suffix>[kMGTPEmun]|[KMGTPE]i)?)\Z"
)
_ROUNDING_MODES: Final = ("ROUND_HALF_UP", "ROUND_HALF_DOWN")
_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\Z")


def same_scalar(declared: JSON, live: JSON, field: Field) -> bool:
    """Tell whether two scalars, neither of them null, are one to the service."""
    if is_number(declared) and is_number(live):
        return bool(declared == live) or (field.decimals is not None and same_rounded(declared, live, field.decimals))
    if field.quantity and (is_number(declared) or is_number(live)) and "number" in field.types:
        return same_quantity(str(declared), str(live))
    if type(declared) is not type(live):
        return False
    if declared == live or not isinstance(declared, str):
        return bool(declared == live)
    if field.quantity:
        return same_quantity(declared, live)
    if field.equivalence == "uuid":
        return same_uuid(declared, live)
    if field.equivalence == "repository-url":
        return canonical_repository_url(declared) == canonical_repository_url(live)
    return False


def same_rounded(declared: float, live: float, decimals: int) -> bool:
    """Compare after rounding both the same way; which way the service rounds a half is unknown (API.md 2.4, 5.5).

    0.25 may be stored as 0.2 or as 0.3; but no way of rounding makes 0.25 and 0.35 one.
    """
    return any(rounded(declared, decimals, mode) == rounded(live, decimals, mode) for mode in _ROUNDING_MODES)


def rounded(value: float, decimals: int, mode: str) -> Decimal:
    """Round a number as it is written, by one of decimal's modes; one too large for decimals stays as it is."""
    from decimal import Decimal

    exact = Decimal(repr(value))
    if not exact.is_finite() or abs(exact) >= Decimal(10) ** 15:
        return exact
    return exact.quantize(Decimal(1).scaleb(-decimals), rounding=mode)


def same_quantity(declared: str, live: str) -> bool:
    """Compare Kubernetes quantities by value: `500m` is `0.5`, `1Gi` is `1024Mi` (API.md 2.5), exactly."""
    value = quantity(declared)
    return value is not None and value == quantity(live)


def quantity(text: str) -> Fraction | None:
    """Read a Kubernetes quantity (k8s.io/apimachinery, resource.Quantity); None where it is none."""
    from fractions import Fraction

    match = _QUANTITY.match(text)
    if match is None:
        return None
    base, power = (10, int(match["exponent"])) if match["exponent"] else _SUFFIXES[match["suffix"] or ""]
    return Fraction(match["number"]) * Fraction(base) ** power


def same_uuid(declared: str, live: str) -> bool:
    """Compare UUIDs without regard to case (RFC 9562, section 4)."""
    return declared.lower() == live.lower() and _UUID.match(declared) is not None


def canonical_repository_url(url: str) -> str:
    """Write a repository's URL in one form: host in lower case, no final slash, no `.git`.

    On github.com the path's case does not count either; elsewhere it may.
    """
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2].lower()
    except ValueError:
        return url
    if not parts.scheme or not host:
        return url
    user = parts.netloc.rpartition("@")[0]
    path = parts.path.lower() if host in ("github.com", "www.github.com") else parts.path
    path = path.rstrip("/").removesuffix(".git").rstrip("/")
    rest = (f"?{parts.query}" if parts.query else "") + (f"#{parts.fragment}" if parts.fragment else "")
    return f"{parts.scheme.lower()}://{user}{'@' if user else ''}{host}{path}{rest}"


def canonical_text(value: JSON) -> str:
    """Write a value so that two texts are equal only if type and value are, keys in any order."""
    return json.dumps(_canonical(value), sort_keys=True, ensure_ascii=True)


def _canonical(value: JSON) -> JSON:
    """Drop null entries of objects (null equals absent) and give whole floats as integers (1 equals 1.0)."""
    if isinstance(value, dict):
        return {key: _canonical(entry) for key, entry in value.items() if entry is not None}
    if isinstance(value, list):
        return [_canonical(entry) for entry in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
