"""The key in use is redacted wherever it is echoed, in any form."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.redaction.known import holds_known, known_secrets, may_hold_known, value_without_known, without_known
from driftcheck.redaction.patterns import MASK

KEY = "plain/key 8"
SECRETS = known_secrets([KEY, None, "short"])


@pytest.mark.parametrize("form", [KEY, "plain/key%208", "plain%2Fkey%208", "cGxhaW4va2V5IDg"])
def test_K3_every_form_of_the_key_is_redacted(form: str) -> None:
    assert without_known(f"see https://{form}.example.com", SECRETS) == "see https://[redacted].example.com"


@pytest.mark.parametrize("user", ["", "u", "us", "user", "a-long-user"])
def test_K3_the_key_as_a_password_of_basic_authentication_is_redacted(user: str) -> None:
    header = base64.b64encode(f"{user}:{KEY}".encode()).decode()
    assert len(without_known(header, SECRETS).replace("[redacted]", "")) <= len(user) * 2 + 6


def test_K3_percent_signs_of_either_case_are_redacted() -> None:
    assert without_known("plain%2fkey%208", SECRETS) == "[redacted]"


def test_K3_the_key_is_found_in_a_host_name_in_lower_case() -> None:
    secrets = known_secrets(["CanaryKey0"])
    assert holds_known("canarykey0.example.com", secrets)
    assert holds_known(base64.b64encode(b"CanaryKey0").decode().lower().rstrip("=") + ".example.com", secrets)
    assert not holds_known("canary.example.com", secrets)


ODD_KEY = "k+/=&%\"x'z9"


@pytest.mark.parametrize("key", [ODD_KEY, "abcd1234", "lsv2_sk_0123456789abcdef"])
@pytest.mark.parametrize(
    "echo",
    [
        quote_plus,
        lambda key: quote(quote(key, safe=""), safe=""),
        lambda key: json.dumps(key)[1:-1],
        lambda key: json.dumps(json.dumps(key)[1:-1])[1:-1],
        html.escape,
        lambda key: key.encode().hex(),
        lambda key: f"{key[:4]}\r\n\t{key[4:]}",
        lambda key: f"{key[:3]} {key[3:]}",
    ],
)
def test_K3_a_key_is_redacted_however_a_proxy_writes_it(key: str, echo: Callable[[str], str]) -> None:
    secrets, text = known_secrets([key]), f"<{echo(key)}>"
    assert without_known(text, secrets) == "<[redacted]>"
    assert holds_known(text, secrets)
    assert may_hold_known(json.dumps(text).encode(), secrets)


def test_short_texts_and_unset_keys_are_not_secrets() -> None:
    assert known_secrets(["short", None, ""]) == ()
    assert without_known("a short text", SECRETS) == "a short text"


VALUES = st.recursive(
    st.none() | st.integers() | st.sampled_from([KEY, f"x{KEY}y", "other"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", KEY, f"{KEY}2"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_K3_no_value_or_key_of_an_answer_holds_the_key(value: Any) -> None:
    cleaned = value_without_known(value, SECRETS)
    assert KEY not in json.dumps(cleaned)
    if KEY not in json.dumps(value):
        assert cleaned is value


@given(VALUES)
def test_an_answer_that_holds_the_key_is_recognised(value: Any) -> None:
    body = json.dumps(value)
    assert may_hold_known(body.encode(), SECRETS) or KEY not in body
    escaped = "".join(f"\\u{ord(c):04x}" if c.isalpha() else c for c in KEY)
    assert may_hold_known(f'"{escaped}"'.encode(), SECRETS)


@pytest.mark.parametrize(
    "form",
    [
        "%{0:02X}",
        "%{0:02x}",
        "%25{0:02X}",
        "&#{0};",
        "&#0{0};",
        "&#x{0:X};",
        "&amp;#{0};",
        "\\u{0:04x}",
        "\\\\u{0:04X}",
        "\\x{0:02x}",
    ],
)
def test_a_secret_whose_every_character_is_escaped_is_redacted(form: str) -> None:
    secret = "lsv2_pt_Zq7/456+xyz_99"
    secrets = known_secrets([secret])
    text = f'no key="{"".join(form.format(ord(each)) for each in secret)}" here, 100% &amp; more'
    assert without_known(text, secrets) == f'no key="{MASK}" here, 100% &amp; more'
    assert holds_known(text, secrets)
    assert may_hold_known(json.dumps({"detail": text}).encode(), secrets)


def test_other_escapes_stay_as_they_are() -> None:
    text = "https://x.example/a%20b?c=%2F &amp; &#65; \\u0041"
    assert without_known(text, known_secrets(["lsv2_pt_Zq7456"])) == text
