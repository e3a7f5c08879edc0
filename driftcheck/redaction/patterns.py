"""Credentials of known formats: API keys and tokens with a vendor's prefix, private keys, credentials in URLs.

Formats are matched by prefix, alphabet and length. The randomness of a text is not considered.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Container
from typing import Final

MASK: Final = "[redacted]"
"""Shown instead of a text that may not be shown."""

_AUTHORITY: Final = r"""//(?<![^\s"'=:]//)"""
"""What precedes a URL's user, with a scheme or without one; not the `//` inside a path (`a//b`)."""

_URL_PASSWORD: Final = re.compile(
    _AUTHORITY + r"[^\s/?#@:]*:(?!(?:\$\(\w+\)|\$\{\w+\}|\$\w+|\*+|<[^<>@]*>)@)[^\s/?#@]+@", re.ASCII
)
"""`//user:password@`, where the password is not a placeholder such as `$(NAME)` or `***`."""

_USER_PART: Final = re.compile(_AUTHORITY + r"(?:(?<=://)|[^/?#\s@:]*:)[^/?#\s@]*@")
"""`://user@` or `//user:password@`; without a scheme, a user alone looks like a path."""

_MARKERS: Final = (
    *("-----BEGIN", "lsv2_", "sk-", "sk_", "rk_", "ghp_", "gho_", "ghs_", "ghu_", "ghr_", "github_pat_", "glpat-"),
    *("AKIA", "ASIA", "xox", "xapp-", "AIza", "hf_", "npm_", "pypi-", "SG.", "eyJ", "gsk_", "tvly-", "xai-"),
    *("AccountKey=", "AGE-SECRET-KEY-"),
)
"""A text without any of these has none of the formats below; searched first because that is cheap."""

_MARKER: Final = re.compile("|".join(map(re.escape, _MARKERS)))

_MIXED: Final = "(?=[a-z0-9_-]{0,200}[A-Z]|[a-z0-9]{32})"
"""A capital letter or a long unbroken run follows: keys have one, names of deployments and images have neither."""

_FORMS: Final = re.compile(
    rf"""
      -----BEGIN[ ](?:[A-Z0-9]+[ ]){{0,3}}PRIVATE[ ]KEY
    | (?<![A-Za-z0-9])(?:
        lsv2_[a-z]{{2}}_[A-Za-z0-9_-]{{8,}}                                           # LangSmith
      | sk-ant-[a-z]+[0-9]{{2}}-[A-Za-z0-9_-]{{16,}}                                  # Anthropic
      | sk-(?:ant|proj|svcacct|admin|or|lf|live|test)-{_MIXED}[A-Za-z0-9_-]{{16,}}    # OpenAI and others
      | sk-or-v1-[0-9a-f]{{64}} | sk-lf-[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}
      | sk-{_MIXED}[A-Za-z0-9]{{20,}} | sk-[0-9a-f]{{32}}(?![A-Za-z0-9-])
      | (?:sk|rk)_(?:live|test)_[A-Za-z0-9]{{10,}}                                    # Stripe
      | pcsk_[A-Za-z0-9]+_[A-Za-z0-9]{{16,}}                                          # Pinecone
      | gh[oprsu]_[A-Za-z0-9]{{36,}} | github_pat_[A-Za-z0-9_]{{20,}}
      | glpat-{_MIXED}[A-Za-z0-9_-]{{20,}}
      | (?:AKIA|ASIA)[A-Z0-9]{{16}}(?![A-Za-z0-9])                                    # AWS
      | xox[abeoprs]-(?:[0-9]+-)?[0-9]{{8,}}-[A-Za-z0-9-]{{6,}}                       # Slack
      | xapp-[0-9]-[A-Z0-9]{{8,}}-[0-9]{{8,}}-[A-Za-z0-9]{{16,}}
      | AIza[A-Za-z0-9_-]{{35}}                                                       # Google
      | hf_[A-Za-z]{{34}}(?![A-Za-z0-9]) | hf_{_MIXED}[A-Za-z0-9]{{30,}}
      | npm_[A-Za-z0-9]{{36}} | pypi-AgE[A-Za-z0-9_-]{{20,}}
      | SG\.[A-Za-z0-9_-]{{16,}}\.[A-Za-z0-9_-]{{16,}}                                # SendGrid
      | gsk_{_MIXED}[A-Za-z0-9]{{20,}}                                                # Groq
      | tvly-(?:[a-z]+-)?{_MIXED}[A-Za-z0-9-]{{16,}}                                  # Tavily
      | xai-{_MIXED}[A-Za-z0-9]{{20,}}
      | AccountKey=[A-Za-z0-9+/]{{40,}}                                               # Azure
      | AGE-SECRET-KEY-1[A-Z0-9]{{20,}}
      )
    | (?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{{8,}}\.eyJ[A-Za-z0-9_-]{{8,}}\.[A-Za-z0-9_-]{{8,}}   # a signed JSON Web Token
    """,
    re.VERBOSE | re.ASCII,
)

_PARAMETER: Final = re.compile(
    r"""
    [?&\#](?:amp;)?(?:
        (?:[a-z0-9]{1,20}[_.-]){0,3}
        (?:token|secret|password|passwd|pwd|signature|sig|credentials?|authorization|auth|jwt|apikey|accesskey|sas)
      | (?:[a-z0-9]{1,20}[_.-]){0,2}
        (?:api|access|secret|private|account|auth|subscription|client|signing|shared)[_.-]?key
      | key | pass | session[_.-]?(?:id|token) | x-(?:amz|goog|ms)-[a-z0-9-]{1,40} | awsaccesskeyid
    )
    =(?!(?:\$\(\w+\)|\$\{\w+\}|\$\w+|\*+|<[^<>&]*>|\{\w*\})?(?:[&\#\s"']|\Z))
    """,
    re.VERBOSE | re.ASCII | re.IGNORECASE,
)
"""A parameter of a URL's query (or fragment) that holds a credential, where its value is not empty or a placeholder."""


def holds_credential(text: str) -> bool:
    """Return whether a text contains a credential of a known format; linear in its length."""
    if "@" in text and _URL_PASSWORD.search(text):
        return True
    return _MARKER.search(text) is not None and _FORMS.search(text) is not None


def is_secret(value: object) -> bool:
    """Return whether a single value may not be shown.

    It then holds a credential of a known format, a URL's user part or a credential-like parameter of a query.
    """
    return isinstance(value, str) and (
        holds_credential(value)
        or ("@" in value and _USER_PART.search(value) is not None)
        or ("=" in value and _PARAMETER.search(value) is not None)
    )


def shown(text: str) -> str:
    """Return a text as it may be shown: itself, or the marker if it holds a credential."""
    return MASK if is_secret(text) else text


def secrets_among(texts: Collection[str]) -> set[str]:
    """Return the texts that `is_secret` accepts; fast for many texts with few secrets."""
    together = "\n".join(texts)
    signs = [sign for sign in ("@", "?", "&", "#", *_MARKERS) if sign in together]
    suspicious = {text for sign in signs for text in texts if sign in text}
    return {text for text in suspicious if is_secret(text)}


def masks(secrets: Collection[str], taken: Container[str]) -> dict[str, str]:
    """Return a marker for each secret; the markers are different, and none of them is taken."""
    texts = itertools.chain([MASK], (f"[redacted {number}]" for number in itertools.count(2)))
    return dict(zip(sorted(secrets), (text for text in texts if text not in taken), strict=False))
