"""Credentials known by their form: API keys and tokens with a vendor's prefix, private keys, URLs with a password.

Nothing is guessed from how random a text looks: what has no known form is not taken for a credential.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Container
from typing import Final

MASK: Final = "[redacted]"
"""Stands where a text was that may not be shown."""

_AUTHORITY: Final = r"""//(?<![^\s"'=:]//)"""
"""What a URL's user stands behind, with a scheme or without one; no `//` inside a path (`a//b`)."""

_URL_PASSWORD: Final = re.compile(
    _AUTHORITY + r"[^\s/?#@:]*:(?!(?:\$\(\w+\)|\$\{\w+\}|\$\w+|\*+|<[^<>@]*>)@)[^\s/?#@]+@", re.ASCII
)
"""`//user:password@`, where the password is no placeholder such as `$(NAME)` or `***`."""

_USER_PART: Final = re.compile(_AUTHORITY + r"(?:(?<=://)|[^/?#\s@:]*:)[^/?#\s@]*@")
"""`://user@` or `//user:password@`; without a scheme, a user alone is not told from a path."""

_MARKERS: Final = (
    *("-----BEGIN", "lsv2_", "sk-", "sk_", "rk_", "ghp_", "gho_", "ghs_", "ghu_", "ghr_", "github_pat_", "glpat-"),
    *("AKIA", "ASIA", "xox", "xapp-", "AIza", "hf_", "npm_", "pypi-", "SG.", "eyJ", "gsk_", "tvly-", "xai-"),
    *("AccountKey=", "AGE-SECRET-KEY-"),
)
"""A text that holds none of these holds none of the forms below; looked for first because that is cheap."""

_FORMS: Final = re.compile(
    r"""
      -----BEGIN[ ](?:[A-Z0-9]+[ ]){0,3}PRIVATE[ ]KEY
    | (?<![A-Za-z0-9])(?:
        lsv2_[a-z]{2}_[A-Za-z0-9_-]{8,}                                              # LangSmith
      | sk-(?:ant|proj|svcacct|admin|or|live|test|lf)-[A-Za-z0-9_-]{8,}              # Anthropic, OpenAI and others
      | sk-[A-Za-z0-9]{20,}
      | (?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,}                                     # Stripe
      | pcsk_[A-Za-z0-9]+_[A-Za-z0-9]{16,}                                           # Pinecone
      | gh[oprsu]_[A-Za-z0-9]{20,} | github_pat_[A-Za-z0-9_]{20,}
      | glpat-[A-Za-z0-9_-]{16,}
      | (?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])                                     # AWS
      | xox[abeoprs]-[A-Za-z0-9-]{10,} | xapp-[0-9]-[A-Za-z0-9-]{10,}                # Slack
      | AIza[A-Za-z0-9_-]{35}                                                        # Google
      | hf_[A-Za-z0-9]{30,}
      | npm_[A-Za-z0-9]{36} | pypi-AgE[A-Za-z0-9_-]{20,}
      | SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}                                   # SendGrid
      | gsk_[A-Za-z0-9]{20,} | tvly-[A-Za-z0-9-]{16,} | xai-[A-Za-z0-9]{20,}         # Groq, Tavily, xAI
      | AccountKey=[A-Za-z0-9+/]{40,}                                                # Azure
      | AGE-SECRET-KEY-1[A-Z0-9]{20,}
      )
    | (?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}   # a signed JSON Web Token
    """,
    re.VERBOSE | re.ASCII,
)


def holds_credential(text: str) -> bool:
    """Tell whether a credential of a known form stands in the text; linear in its length."""
    if _URL_PASSWORD.search(text):
        return True
    return any(marker in text for marker in _MARKERS) and _FORMS.search(text) is not None


def is_secret(value: object) -> bool:
    """Tell whether a single value may not be shown: it holds a known form of credential, or a URL's user part."""
    return isinstance(value, str) and (holds_credential(value) or ("@" in value and bool(_USER_PART.search(value))))


def shown(text: str) -> str:
    """Return a text as it may be shown: itself, or the marker where it holds a credential."""
    return MASK if is_secret(text) else text


def secrets_among(texts: Collection[str]) -> set[str]:
    """Give the texts that `is_secret` accepts: as if each were asked for, and fast for many of which few are."""
    together = "\n".join(texts)
    signs = [sign for sign in ("@", *_MARKERS) if sign in together]
    suspicious = {text for sign in signs for text in texts if sign in text}
    return {text for text in suspicious if is_secret(text)}


def masks(secrets: Collection[str], taken: Container[str]) -> dict[str, str]:
    """Give each secret a text to stand in its place: none that is taken, and none that stands for two."""
    texts = itertools.chain([MASK], (f"[redacted {number}]" for number in itertools.count(2)))
    return dict(zip(sorted(secrets), (text for text in texts if text not in taken), strict=False))
