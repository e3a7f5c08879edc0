"""Equivalences: values that the service does not distinguish.

Each equivalence is one function with the fact behind it; the schema's annotations say where it applies. All other
values differ.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from driftcheck.fields import Field, is_number, is_same_commit
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
    """Return whether the service stores the declared scalar as the live one; neither of them is null."""
    if is_number(declared) and is_number(live) and field.decimals is not None:
        return bool(declared == live) or is_rounded_to(declared, live, field.decimals)
    return same_as_written(declared, live, field)


def same_as_written(one: JSON, other: JSON, field: Field) -> bool:
    """Return whether two scalars, neither of them null, are the same to the service before it rounds anything."""
    if is_number(one) and is_number(other):
        return bool(one == other)
    if field.quantity and (is_number(one) or is_number(other)) and "number" in field.types:
        return same_quantity(str(one), str(other))
    if type(one) is not type(other):
        return False
    if one == other or not isinstance(one, str):
        return bool(one == other)
    if field.quantity:
        return same_quantity(one, other)
    if field.aliases:
        return field.aliases.get(one, one) == field.aliases.get(other, other)
    match field.equivalence:
        case "uuid":
            return same_uuid(one, other)
        case "repository-url":
            return canonical_repository_url(one) == canonical_repository_url(other)
        case "image":
            return same_image(one, other)
        case "commit":
            return is_same_commit(one, other)
    return False


def is_rounded_to(declared: float, live: float, decimals: int) -> bool:
    """Return whether a live number is the declared one, rounded; 0.25 may be stored as 0.2 or as 0.3 (docs/API.md 5.5).

    A live number with more decimals shows that this service does not round.
    """
    return any(rounded(declared, decimals, mode) == as_written(live) for mode in _ROUNDING_MODES)


def as_written(value: float) -> Decimal:
    """Return a number as a decimal, exactly as written."""
    from decimal import Decimal

    return Decimal(repr(value))


def rounded(value: float, decimals: int, mode: str) -> Decimal:
    """Round a number, as written, by one of decimal's modes; a number too large for decimals is not changed."""
    from decimal import Decimal

    exact = Decimal(repr(value))
    if not exact.is_finite() or abs(exact) >= Decimal(10) ** 15:
        return exact
    return exact.quantize(Decimal(1).scaleb(-decimals), rounding=mode)


@dataclass(frozen=True, slots=True)
class Image:
    """An image reference: the repository with its registry, and the tag and digest if it has them."""

    repository: str
    is_short: bool
    """Whether no registry is written: it is Docker Hub, unless the cluster has another default."""
    tag: str | None
    digest: str | None


_DOCKER_HUB: Final = frozenset({"docker.io", "index.docker.io"})


def image(reference: str) -> Image:
    """Read an image reference as Kubernetes does; the colon of a registry's port starts no tag."""
    name, _, digest = reference.partition("@")
    folder, slash, last = name.rpartition("/")
    repository, _, tag = last.partition(":")
    host, _, rest = f"{folder}{slash}{repository}".partition("/")
    is_short = not rest or not (set(".:") & set(host) or host == "localhost" or host != host.lower())
    if is_short or host.lower() in _DOCKER_HUB:
        rest = f"{folder}{slash}{repository}" if is_short else rest
        repository = f"docker.io/{rest if '/' in rest else f'library/{rest}'}"
    else:
        repository = f"{host.lower()}/{rest}"
    return Image(repository, is_short, tag or None, digest or None)


def same_image(one: str, other: str) -> bool:
    """Return whether two references name one digest or tag of one repository; without either, the tag is `latest`."""
    first, second = image(one), image(other)
    return first.is_short == second.is_short and first.digest == second.digest and _may_be_one(first, second)


def may_be_same_image(declared: JSON, live: JSON) -> bool:
    """Return whether a listing can't show that the live image is another one than declared.

    A declared tag may point to the live digest (docs/API.md 6.6), and a short name for one of Docker Hub.
    """
    if not isinstance(declared, str) or not isinstance(live, str):
        return False
    wanted, seen = image(declared), image(live)
    return wanted.digest in (None, seen.digest) and _may_be_one(wanted, seen)


def _may_be_one(first: Image, second: Image) -> bool:
    """Return whether repositories and tags agree; a tag next to a digest adds nothing."""
    if first.digest is None and second.digest is None:
        tags_agree = (first.tag or "latest") == (second.tag or "latest")
    else:
        tags_agree = first.tag is None or second.tag is None or first.tag == second.tag
    return tags_agree and first.repository == second.repository


def same_quantity(declared: str, live: str) -> bool:
    """Compare Kubernetes quantities by value: `500m` is `0.5`, `1Gi` is `1024Mi` (docs/API.md 2.5), exactly."""
    value = quantity(declared)
    return value is not None and value == quantity(live)


def quantity(text: str) -> Fraction | None:
    """Read a Kubernetes quantity (k8s.io/apimachinery, resource.Quantity); None for other text."""
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
