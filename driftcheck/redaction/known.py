"""Secrets in use, such as the API key: redacted wherever they appear, whatever their form."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from driftcheck.model import JSON
from driftcheck.redaction.patterns import MASK

_URL_SAFE = str.maketrans("+/", "-_")

MIN_LENGTH = 8
"""Shorter ones are words of many texts."""


def known_secrets(values: Iterable[str | None]) -> tuple[str, ...]:
    """Return the forms in which secrets may be echoed, the longest first: plain, in a URL, in base64."""
    forms: set[str] = set()
    for value in values:
        if value is not None and len(value) >= MIN_LENGTH:
            in_urls = {quote(value), quote(value, safe="")}
            forms |= {value, *in_urls, *(re.sub("%..", _lower, form) for form in in_urls), *_in_base64(value.encode())}
    return tuple(sorted(forms, key=lambda form: (-len(form), form)))


def _lower(match: re.Match[str]) -> str:
    return match[0].lower()


def _in_base64(secret: bytes) -> Iterator[str]:
    """Yield how base64 shows a secret, which depends on how many bytes precede it (`user:` of basic authentication)."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + secret).decode().rstrip("=")
        end = (before + len(secret)) * 8 // 6
        for form in (encoded, encoded[:end]):
            begun = form[(before * 8 + 5) // 6 :]
            yield from (begun, begun.translate(_URL_SAFE))


def without_known(text: str, secrets: Iterable[str]) -> str:
    """Return a text with the marker instead of each secret."""
    for secret in secrets:
        if secret in text:
            text = text.replace(secret, MASK)
    return text


def holds_known(text: str, secrets: Iterable[str]) -> bool:
    """Return whether a text holds a secret, in any case of its letters (host names are lowered)."""
    lowered = text.lower()
    return any(secret.lower() in lowered for secret in secrets)


def value_without_known(value: JSON, secrets: tuple[str, ...]) -> JSON:
    """Return a JSON value with the marker instead of each secret, in keys too; the same object if it holds none."""
    if isinstance(value, str):
        return without_known(value, secrets)
    if isinstance(value, list):
        entries = [value_without_known(entry, secrets) for entry in value]
        return value if all(map(_is, entries, value)) else entries
    if isinstance(value, dict):
        pairs = {without_known(key, secrets): value_without_known(entry, secrets) for key, entry in value.items()}
        same = len(pairs) == len(value) and all(key in value and pairs[key] is value[key] for key in pairs)
        return value if same else pairs
    return value


def may_hold_known(body: bytes, secrets: Iterable[str]) -> bool:
    """Return whether an answer may hold a secret, escapes included; much faster than looking at each value of it."""
    if b"\\u" in body or any(secret.encode() in body for secret in secrets):
        return True
    return b"\\" in body and any(character in secret for secret in secrets for character in '/"\\')


def _is(one: object, other: object) -> bool:
    return one is other
