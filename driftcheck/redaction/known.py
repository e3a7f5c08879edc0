"""Secrets in use, such as the API key: redacted wherever they appear, whatever their form."""

from __future__ import annotations

import base64
import html
import json
import operator
import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote, quote_plus, unquote

from driftcheck.model import JSON
from driftcheck.redaction.patterns import MASK

_URL_SAFE = str.maketrans("+/", "-_")

MIN_LENGTH = 8
"""Shorter secrets occur in ordinary texts."""


def known_secrets(values: Iterable[str | None]) -> tuple[str, ...]:
    """Return the forms in which secrets may be echoed, the longest first: plain, in a URL, JSON, HTML, base64, hex."""
    forms: set[str] = set()
    for value in values:
        if value is not None and len(value) >= MIN_LENGTH:
            in_urls = {quote(value), quote(value, safe=""), quote_plus(value)}
            in_urls |= {re.sub("%..", lambda escape: escape[0].lower(), form) for form in in_urls}
            forms |= {value, *in_urls, *(quote(form, safe="") for form in in_urls)}
            forms |= {*_in_json(value), *_in_html(value), *_in_base64(value.encode())}
            forms |= {value.encode().hex(), value.encode().hex().upper()}
    return tuple(sorted(forms, key=lambda form: (-len(form), form)))


def _in_json(secret: str) -> Iterator[str]:
    """Yield how JSON shows a secret, also inside a text that is itself in JSON."""
    for is_ascii in (True, False):
        escaped = json.dumps(secret, ensure_ascii=is_ascii)[1:-1]
        for form in (escaped, escaped.replace("/", "\\/")):
            yield from (form, json.dumps(form, ensure_ascii=is_ascii)[1:-1])


def _in_html(secret: str) -> Iterator[str]:
    for quoted in (html.escape(secret), html.escape(secret, quote=False)):
        yield from (quoted, quoted.replace("&#x27;", "&#39;"), quoted.replace("&quot;", "&#34;"))


def _in_base64(secret: bytes) -> Iterator[str]:
    """Yield how base64 shows a secret, which depends on how many bytes precede it (`user:` of basic authentication)."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + secret).decode().rstrip("=")
        end = (before + len(secret)) * 8 // 6
        for form in (encoded, encoded[:end]):
            begun = form[(before * 8 + 5) // 6 :]
            yield from (begun, begun.translate(_URL_SAFE))


def without_known(text: str, secrets: Iterable[str]) -> str:
    """Return a text with the marker instead of each secret, also if white space was put into it (by folding)."""
    for secret in secrets:
        if secret in text:
            text = text.replace(secret, MASK)
    squeezed = "".join(text.split())
    if len(squeezed) != len(text):
        for secret in secrets:
            if secret in squeezed:
                text = re.sub(r"\s*".join(map(re.escape, secret)), lambda _: MASK, text)
    return text if _ESCAPE.search(text) is None else _WORD.sub(lambda word: _masked(word[0], secrets), text)


_ESCAPE: Final = re.compile(r"%[0-9A-Fa-f]{2}|&[#a]|\\[ux/]")
_WORD: Final = re.compile(r"[^\s\"'<>]+")
_IN_JSON: Final = re.compile(r"\\+(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|(?=[/\"']))")
_ROUNDS: Final = 4
"""How often a text is decoded; a key that is escaped more often was hidden on purpose."""


def _masked(word: str, secrets: Iterable[str]) -> str:
    """Return the marker for a word that holds a secret whose characters are escaped, however often."""
    plain = _unescaped(word)
    return MASK if plain != word and any(secret in plain for secret in secrets) else word


def _unescaped(text: str) -> str:
    for _ in range(_ROUNDS):
        decoded = html.unescape(unquote(text))
        decoded = _IN_JSON.sub(_character, decoded)
        if decoded == text:
            break
        text = decoded
    return text


def _character(escape: re.Match[str]) -> str:
    digits = escape[1] or escape[2]
    return chr(int(digits, 16)) if digits else ""


def holds_known(text: str, secrets: Iterable[str]) -> bool:
    """Return whether a text holds a secret, in any case of its letters (host names are shown in lower case)."""
    lowered = text.lower()
    squeezed = "".join(lowered.split())
    texts = {lowered, squeezed, _unescaped(lowered).lower()}
    return any(secret.lower() in each for each in texts for secret in secrets)


def value_without_known(value: JSON, secrets: tuple[str, ...]) -> JSON:
    """Return a JSON value with the marker instead of each secret, in keys too; the same object if it holds none."""
    if isinstance(value, str):
        return without_known(value, secrets)
    if isinstance(value, list):
        entries = [value_without_known(entry, secrets) for entry in value]
        return value if all(map(operator.is_, entries, value)) else entries
    if isinstance(value, dict):
        pairs = {without_known(key, secrets): value_without_known(entry, secrets) for key, entry in value.items()}
        same = len(pairs) == len(value) and all(key in value and pairs[key] is value[key] for key in pairs)
        return value if same else pairs
    return value


_ESCAPE_IN_BODY: Final = re.compile(rb"%[0-9A-Fa-f]{2}|&[#a]|\\\\[ux]")


def may_hold_known(body: bytes, secrets: Iterable[str]) -> bool:
    """Return whether an answer may hold a secret, escapes included; much faster than looking at each value of it."""
    squeezed = body.translate(None, b" \t\r\n")
    for escaped in (b"\\t", b"\\r", b"\\n"):
        squeezed = squeezed.replace(escaped, b"")
    if (
        b"\\u" in body
        or _ESCAPE_IN_BODY.search(body)
        or any(secret.encode() in (body if " " in secret else squeezed) for secret in secrets)
    ):
        return True
    return b"\\" in body and any(character in secret for secret in secrets for character in '/"\\')
