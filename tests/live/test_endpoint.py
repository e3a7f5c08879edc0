"""Addresses are normalised or refused, and a key that can't be sent is refused without being shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.errors import LiveError, UsageError
from driftcheck.live.endpoint import REGIONS, Connection, derive_endpoint, endpoint_url, is_loopback
from tests.live.samples import KEY, WORKSPACE


@pytest.mark.parametrize(
    ("given_url", "endpoint"),
    [
        ("https://api.host.langchain.com", "https://api.host.langchain.com"),
        ("https://api.host.langchain.com/", "https://api.host.langchain.com"),
        (" https://eu.api.host.langchain.com/v2 \n", "https://eu.api.host.langchain.com"),
        ("https://eu.api.host.langchain.com/v2/deployments/", "https://eu.api.host.langchain.com"),
        ("https://langsmith.acme.internal/api-host/", "https://langsmith.acme.internal/api-host"),
        ("https://langsmith.acme.internal:8443/api-host/v2", "https://langsmith.acme.internal:8443/api-host"),
        ("https://LANGSMITH.acme.internal/api-host", "https://langsmith.acme.internal/api-host"),
        ("http://localhost:8080/v2/deployments", "http://localhost:8080"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
    ],
)
def test_a_base_url_loses_what_does_not_belong_to_it(given_url: str, endpoint: str) -> None:
    assert endpoint_url(given_url) == endpoint
    assert endpoint_url(endpoint) == endpoint


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.host.langchain.com",
        "ftp://api.host.langchain.com",
        "https://",
        "https://[::1",
        "https://host:99999",
        "https://ho st",
        "https://höst",
        "https://host/?key=1",
        "https://host/#top",
        "https://user:hunter2hunter2@host",
        "https://hunter2hunter2@host",
        "http://user:hunter2hunter2@localhost",
    ],
)
def test_F2_anything_but_a_plain_https_url_is_refused_and_not_quoted(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        endpoint_url(url, allow_http=True)
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"


def test_F2_plain_http_is_for_loopback_unless_allowed() -> None:
    with pytest.raises(UsageError, match="plain http") as caught:
        endpoint_url("http://langsmith.acme.internal")
    assert "--allow-http" in str(caught.value.hint)
    assert endpoint_url("http://langsmith.acme.internal", allow_http=True) == "http://langsmith.acme.internal"


@pytest.mark.parametrize("host", ["localhost", "app.localhost", "127.0.0.1", "127.8.9.10", "::1"])
def test_loopback_is_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["localhost.acme.com", "127.0.0.1.acme.com", "10.0.0.1", "0.0.0.0", "acme.com"])
def test_nothing_else_is_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("langsmith", "endpoint"),
    [
        ("https://api.smith.langchain.com", REGIONS["us"]),
        ("https://api.smith.langchain.com/api/v1", REGIONS["us"]),
        ("https://eu.api.smith.langchain.com/", REGIONS["eu"]),
        ("https://apac.api.smith.langchain.com", REGIONS["apac"]),
        ("https://aws.api.smith.langchain.com", REGIONS["aws"]),
        ("https://eu.smith.langchain.com", REGIONS["eu"]),
        ("https://smith.langchain.com", REGIONS["us"]),
        ("https://xapi.smith.langchain.com", REGIONS["us"]),
        ("https://eu.xapi.smith.langchain.com/api/v1", REGIONS["eu"]),
        (REGIONS["eu"], REGIONS["eu"]),
        ("https://langsmith.acme.internal", "https://langsmith.acme.internal/api-host"),
        ("https://langsmith.acme.internal/api", "https://langsmith.acme.internal/api-host"),
        ("https://langsmith.acme.internal/api/v1", "https://langsmith.acme.internal/api-host"),
        ("https://acme.internal/langsmith/api/v1", "https://acme.internal/langsmith/api-host"),
        ("https://langsmith.acme.internal/api-host", "https://langsmith.acme.internal/api-host"),
    ],
)
def test_the_control_plane_follows_from_the_langsmith_address(langsmith: str, endpoint: str) -> None:
    assert derive_endpoint(langsmith) == endpoint


def test_a_host_that_only_looks_like_the_vendors_keeps_its_key_to_itself() -> None:
    assert derive_endpoint("https://evil-langchain.com") == "https://evil-langchain.com/api-host"
    assert derive_endpoint("https://api.smith.langchain.com.evil.example") == (
        "https://api.smith.langchain.com.evil.example/api-host"
    )
    assert derive_endpoint("https://evilsmith.langchain.com") == REGIONS["us"]


@pytest.mark.parametrize("key", ["k", "short", "0123456", "k" * 4096])
def test_any_key_that_the_service_may_accept_is_accepted(key: str) -> None:
    assert Connection("https://host", key).api_key == key


def test_K1_a_key_with_a_line_break_around_it_is_stripped() -> None:
    assert Connection("https://host", f" {KEY}\r\n").api_key == KEY


@pytest.mark.parametrize("key", ["", "  ", f"{KEY} {KEY}", f"{KEY}\n{KEY}", f"{KEY}\0", f"{KEY}ä", "k" * 4097])
def test_K1_a_key_that_cant_be_a_header_is_refused_and_never_shown(key: str) -> None:
    with pytest.raises(LiveError) as caught:
        Connection("https://host", key)
    shown = f"{caught.value!r} {caught.value} {caught.value.hint}"
    assert KEY not in shown
    assert caught.value.__cause__ is None


@given(st.text(alphabet=st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=8, max_size=60))
def test_K3_the_key_is_in_no_representation(key: str) -> None:
    connection = Connection("https://host/api-host", key)
    assert connection.api_key == key
    assert key not in repr(connection).replace("https://host/api-host", "")


def test_an_empty_workspace_is_unset_and_an_impossible_one_refused() -> None:
    assert Connection("https://host", KEY, workspace=" ").workspace is None
    assert Connection("https://host", KEY, workspace=f" {WORKSPACE} ").workspace == WORKSPACE
    with pytest.raises(LiveError, match="workspace id"):
        Connection("https://host", KEY, workspace="my team\r\nX-Api-Key: x")


@pytest.mark.parametrize(
    "limits",
    [
        {"timeout": 0},
        {"timeout": float("nan")},
        {"timeout": 1e9},
        {"retries": -1},
        {"concurrency": 0},
        {"concurrency": 65},
    ],
)
def test_limits_that_are_not_valid_are_refused(limits: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        Connection("https://host", KEY, **limits)  # type: ignore[arg-type]
