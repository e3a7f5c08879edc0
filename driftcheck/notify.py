"""Notifications: sends the transitions of a run to people and programs.

An address is a secret: it is in no message, no error and no log. What is sent is the document of
schemas/notification.schema.json (webhooks), or lines of text made from it (everything else).
"""

from __future__ import annotations

import base64
import json
import logging
import os
import re
import threading
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from driftcheck.errors import DriftcheckError, ExitStatus
from driftcheck.model import JSON

_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]{0,20}(?=://)", re.IGNORECASE)
_WEBHOOKS: Final = {"json": "http", "jsons": "https", "http": "http", "https": "https"}
_ACTIVE: Final = re.compile(r"[@<>&`*]|\](?=[\[(])|(?<=:)/(?=/)|\.(?<=\bwww\.)", re.IGNORECASE)
"""What is active in a chat: `[text](address)` is a link, and so is what has `://` or begins with `www.`."""
_TIMEOUT_SECONDS: Final = 10.0
"""How long a service may be silent."""
_DEADLINE_SECONDS: Final = 30.0
"""How long one notification may take: a service that sends a byte now and then is never silent."""
_MOST_LINES: Final = 20
"""The most lines of a kind in a text; a webhook gets everything."""
_MOST_NAMES: Final = 5
_LONGEST_VALUE: Final = 80
_KINDS: Final = {
    "outage": ("The check was inconclusive", "check fails"),
    "recovered": ("The check works again", "check works again"),
    "opened": ("New", "new"),
    "reopened": ("Back again", "back"),
    "changed": ("Changed", "changed"),
    "resolved": ("Resolved", "resolved"),
    "reminder": ("Still open", "still open"),
}
"""The kinds of transitions in the order of a text: the heading of each, and its words in the title."""


class NotifyError(DriftcheckError):
    """A notification that could not be sent; never holds a part of the address."""

    status = ExitStatus.DEFECT


def destinations(urls: Iterable[str]) -> dict[str, str]:
    """Return the addresses by a name that may be shown and stored: the scheme and a number."""
    named: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for url in urls:
        found = _SCHEME.match(url)
        scheme = found[0].lower() if found else "unknown"
        counts[scheme] += 1
        named[f"{scheme}#{counts[scheme]}"] = url
    return named


def send(name: str, url: str, document: Mapping[str, Any], *, deadline: float = _DEADLINE_SECONDS) -> None:
    """Send the transitions of a run to an address, within 30 seconds; raises NotifyError."""
    errors: list[BaseException] = []

    def attempt() -> None:
        try:
            _send(name, url, document)
        except BaseException as error:  # an error that silently ended the thread would count as sent
            errors.append(error)

    thread = threading.Thread(target=attempt, name="notification", daemon=True)
    thread.start()
    thread.join(deadline)
    if thread.is_alive():
        raise _failed(name, f"it took longer than {deadline:g} seconds")
    if errors:
        raise errors[0]


def _send(name: str, url: str, document: Mapping[str, Any]) -> None:
    scheme = name.partition("#")[0]
    if scheme in ("json", "jsons"):
        _post(name, url, document)
        return
    try:
        with warnings.catch_warnings(action="ignore"):  # about its own use of other libraries
            import apprise
    except ImportError:
        if scheme in _WEBHOOKS:
            _post(name, url, document)
            return
        raise NotifyError(
            f"the notification to {name} needs apprise, which is not installed.",
            hint="pip install 'langsmith-driftcheck[notify]'",
        ) from None
    logging.getLogger("apprise").disabled = True  # its messages may hold the address
    title, body = text(document)
    try:
        with warnings.catch_warnings(action="ignore"):
            service = apprise.Apprise.instantiate(url)
        if service is None and scheme in _WEBHOOKS:
            _post(name, url, document)
            return
        sent = service is not None and service.notify(
            body=body,
            title=title,
            notify_type=_type(document, apprise.NotifyType),
            body_format=apprise.NotifyFormat.TEXT,
        )
    except NotifyError:
        raise
    except Exception as error:
        raise _failed(name, type(error).__name__) from None
    if service is None:
        raise _failed(name, "the address is not one that apprise knows")
    if not sent:
        raise _failed(name, "the service did not accept it, or could not be reached")


def _failed(name: str, reason: str) -> NotifyError:
    return NotifyError(f"the notification to {name} could not be sent: {reason}.", hint="The next run tries again.")


def _type(document: Mapping[str, Any], types: Any) -> Any:
    kinds = {transition["kind"] for transition in document["transitions"]}
    if kinds <= {"resolved", "recovered"}:
        return types.SUCCESS
    return types.FAILURE if "outage" in kinds else types.WARNING


def _post(name: str, url: str, document: Mapping[str, Any]) -> None:
    """Send the document itself; the address is read as apprise reads its json:// addresses."""
    import http.client
    import urllib.error
    import urllib.request

    class Unredirected(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            """Follow no redirect: it would send the transitions to an address that was not configured."""

    try:
        address, headers = _webhook(url)
        body = json.dumps(document).encode()
        request = urllib.request.Request(address, body, {"Content-Type": "application/json", **headers})  # noqa: S310
        with urllib.request.build_opener(Unredirected).open(request, timeout=_TIMEOUT_SECONDS):
            return
    except urllib.error.HTTPError as error:
        error.close()
        raise _failed(name, f"the answer was HTTP {error.code}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise _failed(name, _cause(error)) from None


def _cause(error: Exception) -> str:
    """Say why nothing was sent; texts of libraries are left out, since they may hold the address."""
    import socket
    import ssl

    cause = getattr(error, "reason", error)
    if isinstance(cause, ssl.SSLError):
        return "no secure connection could be made (TLS)"
    if isinstance(cause, TimeoutError):
        return f"there was no answer within {_TIMEOUT_SECONDS:.0f} seconds"
    if isinstance(cause, socket.gaierror):
        return "the name of the host is not known"
    if isinstance(cause, OSError) and cause.errno:
        return os.strerror(cause.errno).lower()
    return type(cause if isinstance(cause, Exception) else error).__name__


def _webhook(url: str) -> tuple[str, dict[str, str]]:
    parts = urlsplit(url)
    headers = {}
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    query = parse_qsl(parts.query.replace("+", "%2B"), keep_blank_values=True)
    headers |= {key[1:]: value for key, value in query if key.startswith("+")}
    rest = urlencode([(key, value) for key, value in query if not key.startswith("+")])
    host = parts.netloc.rpartition("@")[2]
    return f"{_WEBHOOKS[parts.scheme.lower()]}://{host}{parts.path}" + (f"?{rest}" if rest else ""), headers


def text(document: Mapping[str, Any]) -> tuple[str, str]:
    """Return title and body of a message for people."""
    transitions = document["transitions"]
    counts = Counter(transition["kind"] for transition in transitions)
    events = [
        words if kind in ("outage", "recovered") else f"{counts[kind]} {words}"
        for kind, (_, words) in _KINDS.items()
        if counts[kind]
    ]
    identity = "" if document["report_id"] is None else f" {_shown(document['report_id'])}"
    return f"driftcheck {_shown(document['command'])}{identity}: {', '.join(events)}", "\n".join(_lines(document))


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    for kind, (heading, _) in _KINDS.items():
        found = [transition for transition in document["transitions"] if transition["kind"] == kind]
        if not found:
            continue
        if kind in ("outage", "recovered"):
            targets = ", ".join(_shown(each["target"]) for each in found if each["target"] is not None)
            outcome = f" (outcome: {_shown(found[0]['outcome'])})" if kind == "outage" else ""
            yield f"{heading}{f': {targets}' if targets else ''}{outcome}."
            continue
        yield f"{heading}:"
        lines = list(map(_line, _grouped(found)))
        yield from lines[:_MOST_LINES]
        if len(lines) > _MOST_LINES:
            yield f"- and {len(lines) - _MOST_LINES} more"
    yield f"Run {_shown(document['run'])}, {_shown(document['generated_at'])}."


def _grouped(transitions: Iterable[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Return transitions by cause: the same path with the same live value, or the same rule."""
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for each in transitions:
        live = json.dumps(each["live"], sort_keys=True) if "live" in each else None
        groups.setdefault((each["path"], each["rule"], live), []).append(each)
    return sorted(groups.values(), key=lambda group: (group[0]["severity"], -len(group)))


def _line(group: Sequence[Mapping[str, Any]]) -> str:
    first = group[0]
    line = f"- {first['severity']}: {_shown(first['path'] or first['rule'])}"
    if "live" in first:
        declared = {json.dumps(each["declared"], sort_keys=True) for each in group}
        line += f": live {_value(first['live'])}"
        line += f", declared {_value(first['declared'])}" if len(declared) == 1 else ", declared values differ"
    names = [_name(each) for each in group if each["deployment"] is not None]
    if names:
        more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
        count = f"{len(names)} deployments: " if len(names) > 1 else ""
        line += f", in {count}{', '.join(names[:_MOST_NAMES])}{more}"
    if first["kind"] in ("resolved", "reminder"):
        line += f", since {min(each['first_seen'] for each in group)[:10]}"
    owners = sorted({each["owner"] for each in group if each.get("owner")})
    return line + (f" (owner: {', '.join(map(_shown, owners))})" if owners else "")


def _name(transition: Mapping[str, Any]) -> str:
    target = transition["target"]
    return _shown(transition["deployment"] if target is None else f"{target}/{transition['deployment']}")


def _value(value: JSON) -> str:
    shown = json.dumps(value)
    return _inert(shown if len(shown) <= _LONGEST_VALUE else shown[:_LONGEST_VALUE] + "...")


def _shown(name: str) -> str:
    return _inert(json.dumps(name)[1:-1])


def _inert(ascii_text: str) -> str:
    """Escape what chat services read as mentions, links or markup."""
    return _ACTIVE.sub(lambda found: f"\\u{ord(found[0]):04x}", ascii_text)
