"""The connection settings of the control plane: address, key, limits; nothing here connects."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from driftcheck.errors import LiveError, UsageError

REGIONS: Final[Mapping[str, str]] = {
    "us": "https://api.host.langchain.com",
    "eu": "https://eu.api.host.langchain.com",
    "apac": "https://apac.api.host.langchain.com",
    "aws": "https://aws.api.host.langchain.com",
}
"""The vendor's own control planes (docs/API.md 1.1)."""

LIST_PATH: Final = "/v2/deployments"

_KEY: Final = re.compile(r"[!-~]{1,4096}")
_WORKSPACE: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True, slots=True)
class Connection:
    """Everything that a fetch needs; checked when made, and its `repr` never shows the key.

    `endpoint` is the result of `endpoint_url`; `timeout` is in seconds for the whole fetch; `retries` counts the
    attempts after the first, for each request; `concurrency` is the most requests under way at once.
    Raises UsageError for a number out of range, LiveError for a key or workspace that can't be sent.
    """

    endpoint: str
    api_key: str = field(repr=False)
    workspace: str | None = None
    workspace_origin: str = ""
    """Where the workspace comes from (an option, a variable, a file), for messages."""
    workspace_hint: str | None = None
    """What to do if the listing is that of another workspace, for the message."""
    timeout: float = 120.0
    retries: int = 4
    concurrency: int = 4
    ca_file: str | None = None
    allow_http: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "endpoint", endpoint_url(self.endpoint, allow_http=self.allow_http))
        object.__setattr__(self, "api_key", _checked_key(self.api_key))
        object.__setattr__(self, "workspace", _checked_workspace(self.workspace))
        if not 0 < self.timeout <= 86_400:
            raise UsageError("The timeout must be more than 0 and at most 86400 seconds.")
        if not 0 <= self.retries <= 100:
            raise UsageError("The number of retries must be from 0 to 100.")
        if not 1 <= self.concurrency <= 64:
            raise UsageError("The concurrency must be from 1 to 64.")


def _checked_key(key: str) -> str:
    stripped = key.strip()
    if not stripped:
        raise LiveError("no API key", hint="Set LANGSMITH_API_KEY to a key that may read deployments.")
    if not _KEY.fullmatch(stripped):
        raise LiveError(
            "the API key can't be sent: it has spaces or characters other than printable ASCII, or is too long",
            hint="Check how the environment variable is set; a line break or a whole file may be in it.",
        )
    return stripped


def _checked_workspace(workspace: str | None) -> str | None:
    stripped = (workspace or "").strip()
    if not stripped:
        return None
    if not _WORKSPACE.fullmatch(stripped):
        raise LiveError(
            "the workspace id can't be sent: only letters, digits, - and _ are allowed",
            hint="Copy the workspace's id (a UUID) from LangSmith's settings, not its name.",
        )
    return stripped


def endpoint_url(text: str, *, allow_http: bool = False) -> str:
    """Return the base URL of a control plane without trailing slashes, a pasted `/v2` or `/v2/deployments`.

    Only https is accepted, and http to loopback; http elsewhere with `allow_http`. Raises UsageError for anything else,
    for user-info, query and fragment; the message never quotes the URL, which could hold a password.
    """
    stripped = text.strip()
    try:
        parts = urlsplit(stripped)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _bad_url("is not a URL") from None
    if not re.fullmatch(r"[!-~]+", stripped):
        raise _bad_url("must be plain ASCII without spaces")
    if parts.scheme not in ("https", "http") or not host:
        raise _bad_url("must begin with https:// and a host")
    if "@" in parts.netloc:
        raise _bad_url("must not contain a user or password")
    if "?" in stripped or "#" in stripped:
        raise _bad_url("must not have a query or fragment")
    if parts.scheme == "http" and not allow_http and not is_loopback(host):
        raise UsageError(
            "the endpoint uses plain http, which would show the API key to the network.",
            hint="Use https, or pass --allow-http if you trust the network.",
        )
    authority = (f"[{host}]" if ":" in host else host) + (f":{port}" if port is not None else "")
    path = re.sub(r"/v2(?:/deployments)?\Z", "", parts.path.rstrip("/")).rstrip("/")
    return f"{parts.scheme}://{authority}{path}"


def _bad_url(problem: str) -> UsageError:
    return UsageError(
        f"the endpoint {problem}.",
        hint="Examples: https://api.host.langchain.com, or https://<langsmith-host>/api-host when self-hosted.",
    )


def is_loopback(host: str) -> bool:
    """Return whether a host name or address means this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


_VENDOR: Final = re.compile(r"(?:(?P<region>[a-z0-9-]+)\.)?(?:[a-z]*api\.)?smith\.langchain\.com")
"""The vendor's hosts of LangSmith itself: the web page, `api.` and variants of it such as `xapi.`, with a region."""


def derive_endpoint(langsmith_endpoint: str) -> str:
    """Return the control plane that belongs to a LangSmith API address (the value of LANGSMITH_ENDPOINT).

    The vendor's hosts lead to their region's control plane, `https://eu.api.smith.langchain.com` to
    `https://eu.api.host.langchain.com`; a self-hosted `https://host[/api[/v1]]` leads to `https://host/api-host`
    (docs/API.md 1.1, and the vendor's command line). The address of a control plane is not changed.
    Raises UsageError for a text that is not a URL; whether http is allowed is decided by `endpoint_url`.
    """
    base = endpoint_url(langsmith_endpoint, allow_http=True)
    parts = urlsplit(base)
    host = parts.hostname or ""
    if base in REGIONS.values() or parts.path.endswith("/api-host"):
        return base
    if vendor := _VENDOR.fullmatch(host):
        region = vendor["region"] if vendor["region"] and not vendor["region"].endswith("api") else None
        return f"https://{region}.api.host.langchain.com" if region else REGIONS["us"]
    if host == "langchain.com" or host.endswith(".langchain.com"):
        return REGIONS["us"]
    root = re.sub(r"/api(?:/v1)?\Z", "", parts.path)
    return f"{parts.scheme}://{parts.netloc}{root}/api-host"
