"""Answers that are no listing are told in our own words, whatever they say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.live.refusals import TransientError, malformed, refused, retry_after
from driftcheck.strict_json import MalformedError
from tests.live.samples import KEY


@given(
    status=st.integers(201, 599),
    headers=st.dictionaries(st.sampled_from(["location", "retry-after", "date"]), st.text()),
    body=st.binary() | st.text().map(str.encode),
)
def test_whatever_comes_is_told_with_its_status_and_what_to_do(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    error = refused(status, headers, body, api_key=KEY)
    assert f"({status})" in error.message
    assert error.hint
    assert error.message.isascii()
    assert error.message.isprintable()


@given(st.binary(), st.booleans())
def test_a_body_that_is_no_listing_is_told_and_not_quoted(body: bytes, cut: bool) -> None:
    canary = b"canary" + body
    error = malformed(canary, MalformedError("it is odd", cut=cut))
    assert "canary" not in error.message
    assert isinstance(error, TransientError) is cut


@pytest.mark.parametrize(
    ("header", "date", "seconds"),
    [
        ("0", None, 0),
        ("7", None, 7),
        (" 7 ", None, 7),
        ("3600", None, 60),
        ("1" * 20, None, 60),
        ("1" * 5000, None, None),
        ("-5", None, None),
        ("1.5", None, None),
        ("nan", None, None),
        ("inf", None, None),
        ("", None, None),
        (None, None, None),
        ("٣", None, None),
        ("Tue, 24 Nov 2026 10:00:20 GMT", "Tue, 24 Nov 2026 10:00:00 GMT", 20),
        ("Tue, 24 Nov 2026 09:00:00 GMT", "Tue, 24 Nov 2026 10:00:00 GMT", 0),
        ("Tue, 24 Nov 2099 09:00:00 GMT", "Tue, 24 Nov 2026 10:00:00 GMT", 60),
        ("Tue, 24 Nov 2026 10:00:20 GMT", None, None),
        ("Tue, 24 Nov 2026 10:00:20", "Tue, 24 Nov 2026 10:00:00 GMT", None),
        ("Tue, 99 Nov 99999 10:00:20 GMT", "Tue, 24 Nov 2026 10:00:00 GMT", None),
    ],
)
def test_F9_F15_retry_after_counts_from_the_answers_own_date(
    header: str | None, date: str | None, seconds: float | None
) -> None:
    assert retry_after(header, date) == seconds


@given(st.text(max_size=40), st.text(max_size=40) | st.none())
def test_F9_retry_after_is_within_a_minute_or_nothing(header: str, date: str | None) -> None:
    seconds = retry_after(header, date)
    assert seconds is None or 0 <= seconds <= 60
