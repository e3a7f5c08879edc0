"""What an answer that is no listing means, for people: pure functions of status, headers and body.

Nothing of a body is quoted but the place and message of a 422's complaints.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

from driftcheck.errors import LiveError
from driftcheck.redaction.patterns import holds_credential
from driftcheck.strict_json import MalformedError, parse

MAX_RETRY_AFTER: Final = 60.0

RETRIED: Final = frozenset({429, 500, 502, 503, 504})

PROXY_HINT: Final = "Look whether a proxy, gateway or VPN stands between; try again later."
ADDRESS_HINT: Final = (
    "Check the endpoint: self-hosted control planes are at https://<langsmith-host>/api-host, "
    "the vendor's at https://api.host.langchain.com."
)


class TransientError(LiveError):
    """A failure that asking again may cure; `retry_after` in seconds, where the answer said so."""

    def __init__(self, message: str, *, hint: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


def malformed(body: bytes, problem: MalformedError) -> LiveError:
    """Say what a good status with a body that is no listing means; what looks cut off may be asked for again."""
    if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return LiveError(
            "The answer is HTML, not the API: something else answers at this address.",
            hint=f"{ADDRESS_HINT} A login page or captive portal may stand between.",
        )
    if not body.strip():
        return TransientError("The control plane's answer is empty.", hint=PROXY_HINT)
    if problem.cut:
        return TransientError("The control plane's answer was cut off.", hint=PROXY_HINT)
    return LiveError(f"The response is not a list of deployments: {problem}.", hint=ADDRESS_HINT)


def refused(status: int, headers: Mapping[str, str], body: bytes, *, api_key: str) -> LiveError:
    """Say what an answer other than 200 means (API.md 1.5); header names are in small letters."""
    if status in RETRIED:
        what = "asks to wait: too many requests" if status == 429 else "has a problem of its own"
        return TransientError(
            f"The control plane {what} ({status}).",
            hint="Try again later; fewer requests at once: --concurrency 1." if status == 429 else PROXY_HINT,
            retry_after=retry_after(headers.get("retry-after"), headers.get("date")),
        )
    if 300 <= status < 400:
        return LiveError(
            f"The control plane redirects ({status}) to {_host(headers.get('location'))}, "
            "which is not followed: it would be given the API key.",
            hint="Where that address is right, use it as the endpoint.",
        )
    if status == 422:
        return LiveError(
            f"The control plane does not accept the request (422){_complaints(body, api_key)}.",
            hint="Check the filters, if any were given; else the service may be newer than this driftcheck.",
        )
    if status == 403:
        message, hint = _forbidden(body)
    else:
        message, hint = _REFUSALS.get(status, ("The control plane gave an answer that makes no sense", ADDRESS_HINT))
    return LiveError(f"{message} ({status}).", hint=hint)


_REFUSALS: Final[Mapping[int, tuple[str, str]]] = {
    204: ("The answer is empty", ADDRESS_HINT),
    401: (
        "The API key is not accepted",
        "Check the key, whether it has expired, and whether it belongs to this endpoint's region.",
    ),
    404: (
        "There is no list of deployments at this address",
        "The endpoint is probably wrong: self-hosted control planes are at https://<langsmith-host>/api-host, "
        "and each region of the vendor has its own.",
    ),
}


def _forbidden(body: bytes) -> tuple[str, str]:
    detail = _detail(body)
    text = detail.lower() if isinstance(detail, str) else ""
    if "requires workspace specification" in text:
        return (
            "The key belongs to an organization, so the workspace must be named",
            "Name it with --workspace, or in LANGSMITH_WORKSPACE_ID.",
        )
    if "not enabled" in text:
        return (
            "LangSmith Deployment is not enabled for this organization",
            "Check that key and workspace belong to the organization you mean; an administrator can enable it.",
        )
    return (
        "The key may not list the deployments of this workspace",
        "It needs the permission deployments:read (a Workspace Viewer has it). Check --workspace too, and whether "
        "a firewall stands between.",
    )


def _detail(body: bytes) -> object:
    try:
        value = parse(body)
    except MalformedError:
        return None
    return value.get("detail") if isinstance(value, dict) else None


def _complaints(body: bytes, api_key: str) -> str:
    """Quote the `loc` and `msg` of a 422's errors, never their `input`."""
    detail = _detail(body)
    entries = [entry for entry in detail if isinstance(entry, dict)] if isinstance(detail, list) else []
    told = [f"{_location(entry.get('loc'))}: {entry.get('msg')}" for entry in entries[:3]]
    text = json.dumps("; ".join(told))[1:-1].replace("\x7f", "\\u007f")[:300]
    return f": {text}" if text and api_key not in text and not holds_credential(text) else ""


def _location(loc: object) -> str:
    return ".".join(map(str, loc)) if isinstance(loc, list) else str(loc)


def _host(location: str | None) -> str:
    try:
        host = urlsplit(location or "").hostname
    except ValueError:
        host = None
    return host if host and re.fullmatch(r"[A-Za-z0-9.:-]{1,253}", host) else "another address"


def retry_after(text: str | None, date: str | None) -> float | None:
    """Give the seconds that a Retry-After header asks for, from 0 to 60; None where it makes no sense.

    A date counts from the answer's own Date header, so that no clock of ours matters (RFC 9110, 10.2.3).
    """
    stripped = (text or "").strip()
    if re.fullmatch(r"[0-9]{1,20}", stripped):
        return min(float(stripped), MAX_RETRY_AFTER)
    try:
        seconds = (parsedate_to_datetime(stripped) - parsedate_to_datetime(date or "")).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)
