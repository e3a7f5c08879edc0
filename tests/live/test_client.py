"""A request ends in time with a page or a reported reason, with any server; the key is in one header only."""

from __future__ import annotations

import gzip
import json
import shutil
import ssl
import subprocess
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.errors import LiveError
from driftcheck.live import client
from driftcheck.live.client import TransientError, ask, malformed, opened, refused, retry_after
from driftcheck.live.endpoint import Connection
from driftcheck.live.listing import Page
from driftcheck.redaction.known import known_secrets
from driftcheck.strict_json import MalformedError
from tests.live.raw_server import Conversation, answer, endless, saying, serving
from tests.live.samples import KEY, PAYLOADS, WORKSPACE, deployments, load

GOOD = json.dumps({"resources": deployments(3), "offset": 3}).encode()
ERRORS = load(PAYLOADS / "errors.json")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def messages(error: BaseException | None) -> str:
    """Everything that could be shown of an error, including its causes."""
    text = ""
    while error is not None:
        text += f"{error!r} {getattr(error, 'hint', '')} {''.join(traceback.format_exception(error))}\n"
        error = error.__cause__ or error.__context__
    return text


class Asked:
    """The result of one request: the page or error, the heads that were sent, the waits between attempts."""

    def __init__(self, conversation: Conversation | str, *, tls: ssl.SSLContext | None = None, **settings: Any) -> None:
        self.waits: list[float] = []
        self.heads: list[bytes] = []
        self.page: Page | None = None
        self.error: LiveError | None = None
        if isinstance(conversation, str):
            self._ask(conversation, settings)
        else:
            with serving(conversation, tls=tls) as (url, self.heads):
                self._ask(url, settings)

    def _ask(self, url: str, settings: dict[str, Any]) -> None:
        try:
            connection = Connection(url, KEY, **{"retries": 2, "workspace": WORKSPACE, **settings})
            with opened(connection, self.waits.append) as opened_client:
                self.page = ask(opened_client, {"limit": "100", "offset": "0"})
        except LiveError as error:
            self.error = error
        assert KEY not in messages(self.error)

    def refused(self, words: str, *, requests: int) -> LiveError:
        assert self.error is not None
        assert words in self.error.message
        assert self.error.hint
        assert len(self.heads) == requests
        return self.error


def test_F13_K4_a_request_is_a_get_of_the_list_with_the_key_in_one_header() -> None:
    asked = Asked(saying(answer(GOOD)))
    assert asked.page is not None
    assert len(asked.page) == 3
    (head,) = asked.heads
    line, *headers = head.decode().strip().split("\r\n")
    assert line == "GET /v2/deployments?limit=100&offset=0 HTTP/1.1"
    assert [header for header in headers if KEY in header] == [f"X-Api-Key: {KEY}"]
    assert f"X-Tenant-Id: {WORKSPACE}" in headers
    assert "Accept-Encoding: identity" in headers


@pytest.mark.parametrize("status", ["429 Slow", "500 Oops", "502 Bad", "503 Busy", "504 Late"])
def test_F9_F10_a_passing_failure_is_asked_again_and_reported_when_it_stays(status: str) -> None:
    failure = answer(b"{}", status=status)
    assert Asked(saying(failure, failure, answer(GOOD))).page is not None
    asked = Asked(saying(failure))
    asked.refused("(3 attempts)", requests=3)
    assert len(asked.waits) == 2
    assert 0 <= asked.waits[0] <= 0.5
    assert 0 <= asked.waits[1] <= 1.0


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("400 Bad", "unexpected response"),
        ("401 No", "API key was not accepted (401)"),
        ("403 No", "may not list"),
        ("404 None", "no list of deployments"),
        ("418 Tea", "unexpected response"),
        ("422 What", "rejected the request (422)"),
        ("501 Never", "unexpected response"),
    ],
)
@pytest.mark.parametrize("body", [b"{}", b'{"detail": "no"}', b"<html>no</html>", b"", b'{"detail": [5]}'])
def test_F11_a_refusal_is_reported_at_once(status: str, words: str, body: bytes) -> None:
    asked = Asked(saying(answer(body, status=status)))
    assert asked.error is not None
    assert words in asked.error.message
    assert len(asked.heads) == 1


def test_F11_each_refusal_comes_with_what_to_do() -> None:
    def hint(status: str, body: Any) -> str:
        error = Asked(saying(answer(json.dumps(body).encode(), status=status))).error
        assert error is not None
        return f"{error.message} {error.hint}"

    assert "--workspace" in hint("403 No", ERRORS["403_no_workspace"])
    assert "LANGSMITH_WORKSPACE_ID" in hint("403 No", ERRORS["403_no_workspace"])
    assert "not enabled" in hint("403 No", ERRORS["403_product_off"])
    assert "deployments:read" in hint("403 No", ERRORS["html_from_proxy"])
    assert "/api-host" in hint("404 None", ERRORS["404_by_id"])
    assert "expired" in hint("401 No", {"detail": "Invalid token"})


def test_F12_of_a_422_only_location_and_message_are_quoted() -> None:
    error = Asked(saying(answer(json.dumps(ERRORS["422_limit"]).encode(), status="422 No"))).error
    assert error is not None
    assert "query.limit: Input should be less than or equal to 100" in error.message
    assert "500" not in error.message


@pytest.mark.parametrize(
    "message", [f"bad key {KEY}", "token sk-ant-api03-abcdefghijklmnop", "\x1b]0;owned\x07", "x" * 5000]
)
def test_F12_K3_hostile_words_of_a_422_are_escaped_cut_or_left_out(message: str) -> None:
    body = json.dumps({"detail": [{"loc": ["query", "x"], "msg": message, "input": "canary"}]}).encode()
    error = Asked(saying(answer(body, status="422 No"))).error
    assert error is not None
    assert error.message.isprintable()
    assert error.message.isascii()
    assert len(error.message) < 400
    assert not any(secret in error.message for secret in (KEY, "sk-ant", "canary"))


@pytest.mark.parametrize("status", ["301 Gone", "302 Found", "303 See", "307 There", "308 There"])
def test_F1_a_redirect_is_named_and_not_followed(status: str) -> None:
    with serving(saying(answer(GOOD))) as (elsewhere, heads):
        asked = Asked(saying(answer(b"", status=status, headers=(f"Location: {elsewhere}/v2/deployments",))))
        error = asked.refused("redirects", requests=1)
        assert "127.0.0.1" in error.message
    assert heads == []


@pytest.mark.parametrize(
    "location", ["", "http://[", "//user:hunter2@\x1b[31m/", "/v2", "https://evil.example/" + "x" * 9999]
)
def test_F1_a_redirect_to_nonsense_is_reported_too(location: str) -> None:
    error = Asked(saying(answer(b"", status="302 Found", headers=(f"Location: {location}",)))).error
    assert error is not None
    assert error.message.isprintable()
    assert "hunter2" not in error.message


@pytest.mark.parametrize("form", known_secrets([KEY]))
def test_K3_no_form_of_the_key_that_an_error_echoes_is_quoted(form: str) -> None:
    body = json.dumps({"detail": [{"loc": ["header"], "msg": f"bad key {form}"}]}).encode()
    location = f"Location: https://{form}.example.com/"
    for each in (answer(body, status="422 No"), answer(b"", status="302 Found", headers=(location,))):
        error = Asked(saying(each)).error
        assert error is not None
        assert form.lower() not in error.message.lower()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (ERRORS["html_from_proxy"].encode(), "HTML, not JSON"),
        (b"\xef\xbb\xbf \n<!doctype html>", "HTML, not JSON"),
        (b"upstream connect error", "not a list"),
        (b'"resources"', "not a list"),
        (b'{"resources": null, "offset": 0}', "not a list"),
        (b'{"resources": [], "offset": NaN}', "NaN"),
        (b'{"resources": ["' + b"\xff" + b'"]}', "UTF-8"),
    ],
)
def test_F8_an_answer_that_is_not_the_api_is_reported_and_not_quoted(body: bytes, words: str) -> None:
    error = Asked(saying(answer(body))).refused(words, requests=1)
    assert "nginx" not in error.message


def test_F8_no_content_is_not_an_answer() -> None:
    Asked(saying(answer(b"", status="204 No Content"))).refused("empty", requests=1)
    Asked(saying(answer(b""))).refused("empty", requests=3)


CUTS = {
    "by length": answer(GOOD)[:-40],
    "by chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(GOOD) + GOOD[:50],
    "without length": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + GOOD[:-40],
    "gzip": answer(gzip.compress(GOOD)[:-30], headers=("Content-Encoding: gzip",)),
    "gzip trailer": answer(gzip.compress(GOOD)[:-8], headers=("Content-Encoding: gzip",)),
    "gzip damaged": answer(gzip.compress(GOOD)[:60] + b"\0" * 60, headers=("Content-Encoding: gzip",)),
    "head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "nothing": b"",
    "garbage": b"\x16\x03\x01 this is no http\r\n\r\n",
}


@pytest.mark.parametrize("cut", CUTS)
def test_F7_an_answer_that_was_cut_is_asked_for_again_and_never_read_as_far_as_it_goes(cut: str) -> None:
    close = not cut.startswith("gzip")
    assert Asked(saying(CUTS[cut], answer(GOOD), close=close)).page is not None
    asked = Asked(saying(CUTS[cut], close=close))
    assert asked.page is None
    asked.refused("(3 attempts)", requests=3)


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP", "identity"])
def test_F6_gzip_that_was_not_asked_for_is_unpacked(encoding: str) -> None:
    body = GOOD if encoding == "identity" else gzip.compress(GOOD)
    asked = Asked(saying(answer(body, headers=(f"Content-Encoding: {encoding}",))))
    assert asked.page is not None
    assert len(asked.page) == 3


def test_F6_any_other_packing_is_refused() -> None:
    Asked(saying(answer(GOOD, headers=("Content-Encoding: br",)))).refused("Content-Encoding", requests=1)


@pytest.mark.parametrize("body", ["large", "gzip bomb", "endless"])
def test_F6_a_body_may_take_16_mib_and_no_more(body: str) -> None:
    match body:
        case "large":
            conversation = saying(answer(b" " * (client.MAX_PAGE_BYTES + 1)))
        case "gzip bomb":
            bomb = gzip.compress(b" " * 10 * client.MAX_PAGE_BYTES, 1)
            conversation = saying(answer(bomb, headers=("Content-Encoding: gzip",)))
        case _:
            conversation = endless(b"HTTP/1.1 200 OK\r\n\r\n[", b" " * 65536)
    Asked(conversation).refused("larger than 16 MiB", requests=1)


def test_F6_the_body_of_an_error_is_not_read_to_its_end() -> None:
    head = b"HTTP/1.1 403 No\r\n\r\n"
    Asked(endless(head, b"x" * 65536)).refused("(403)", requests=1)


def test_F6_thousands_of_headers_are_an_error() -> None:
    flood = b"HTTP/1.1 200 OK\r\n" + b"X-Flood: 1234567890\r\n" * 20_000
    Asked(saying(flood, close=True), retries=0).refused("was lost", requests=1)


def test_F5_a_dripping_body_ends_with_the_deadline() -> None:
    start = time.monotonic()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
    asked = Asked(endless(head, b" ", pause=0.01), timeout=0.3)
    asked.refused("in time", requests=1)
    assert time.monotonic() - start < 20


def test_F4_silence_is_given_up_and_no_retry_starts_past_the_deadline() -> None:
    asked = Asked(endless(b"", b"", pause=5), timeout=0.3, retries=9)
    assert asked.error is not None
    assert len(asked.heads) <= 2


def test_F4_a_refused_connection_is_reported_after_the_retries() -> None:
    with serving(saying(answer(GOOD))) as (url, _):
        pass
    asked = Asked(url)
    assert asked.error is not None
    assert "could not connect" in asked.error.message
    assert asked.error.message.endswith(": connection refused")
    assert "(3 attempts)" in asked.error.message


def test_F4_an_unknown_host_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    asked = Asked("https://nowhere.invalid", retries=1)
    assert asked.error is not None
    assert "unknown host name" in asked.error.message


def test_F9_the_wait_is_the_one_asked_for_unless_time_runs_out_before() -> None:
    busy = answer(b"", status="429 Slow", headers=("Retry-After: 17",))
    assert Asked(saying(busy, answer(GOOD))).waits == [17.0]
    hurried = Asked(saying(busy, answer(GOOD)), timeout=10)
    assert hurried.waits == []
    hurried.refused("too many requests (429)", requests=1)


def test_F14_a_proxy_is_not_asked_for_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(saying(answer(b"", status="500 Proxy"))) as (proxy, heads):
        monkeypatch.setenv("HTTP_PROXY", proxy)
        monkeypatch.setenv("ALL_PROXY", proxy)
        assert Asked(saying(answer(GOOD))).page is not None
    assert heads == []


def test_F14_a_proxy_of_the_environment_never_sees_the_key_of_an_https_request(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(saying(answer(b"", status="407 Who"))) as (proxy, heads):
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        asked = Asked("https://control-plane.invalid", retries=1)
    assert asked.error is not None
    assert "refused the connection" in asked.error.message
    assert heads
    assert all(head.startswith(b"CONNECT control-plane.invalid:443") for head in heads)
    assert KEY.encode() not in b"".join(heads)


def test_F14_K3_a_proxy_setting_that_is_not_valid_is_reported_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "nonsense://user:hunter2@proxy")
    asked = Asked("https://control-plane.invalid")
    assert asked.error is not None
    assert "hunter2" not in messages(asked.error)


NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class Authority:
    """Certificates of an authority of our own, made by openssl."""

    def __init__(self, folder: Path) -> None:
        self.ca = folder / "ca.pem"
        self._folder = folder
        self._openssl("req", "-x509", *NEW_KEY, "-days", "2", "-subj", "/CN=Test CA",
                      "-keyout", "ca.key", "-out", "ca.pem")  # fmt: skip

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self._folder, check=True, capture_output=True)

    def server(self, name: str) -> ssl.SSLContext:
        (self._folder / "ext").write_text(f"subjectAltName={name}\n")
        self._openssl("req", *NEW_KEY, "-subj", "/CN=server", "-keyout", "s.key", "-out", "s.csr")
        self._openssl("x509", "-req", "-in", "s.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                      "-days", "2", "-extfile", "ext", "-out", "s.pem")  # fmt: skip
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._folder / "s.pem", self._folder / "s.key")
        return context


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    return Authority(tmp_path_factory.mktemp("tls"))


def test_F3_an_untrusted_certificate_is_reported_at_once(authority: Authority) -> None:
    asked = Asked(saying(answer(GOOD)), tls=authority.server("IP:127.0.0.1"))
    error = asked.refused("not trusted", requests=0)
    assert "--ca-file" in str(error.hint)
    assert asked.waits == []


def test_F3_a_ca_file_or_the_environment_makes_it_trusted(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = authority.server("IP:127.0.0.1")
    assert Asked(saying(answer(GOOD)), tls=server, ca_file=str(authority.ca)).page is not None
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
    assert Asked(saying(answer(GOOD)), tls=server).page is not None


def test_F3_a_certificate_for_another_host_is_refused(authority: Authority) -> None:
    tls = authority.server("DNS:elsewhere.example")
    Asked(saying(answer(GOOD)), tls=tls, ca_file=str(authority.ca)).refused("another host", requests=0)


def test_F3_what_speaks_no_tls_is_reported() -> None:
    with serving(saying(answer(GOOD))) as (url, heads):
        asked = Asked(url.replace("http://", "https://"), retries=0, timeout=0.3)
    assert asked.error is not None
    assert heads == []


@pytest.mark.parametrize("spoil", [lambda path: None, lambda path: path.write_text("no certificate")])
def test_F3_a_ca_file_that_cant_be_read_is_reported(tmp_path: Path, spoil: Callable[[Path], Any]) -> None:
    spoil(tmp_path / "ca.pem")
    asked = Asked("https://control-plane.invalid", ca_file=str(tmp_path / "ca.pem"))
    assert asked.error is not None
    assert "trusted certificates" in asked.error.message


# --- what a failure means ---


@given(
    status=st.integers(201, 599),
    headers=st.dictionaries(st.sampled_from(["location", "retry-after", "date"]), st.text()),
    body=st.binary() | st.text().map(str.encode),
)
def test_every_error_answer_is_reported_with_its_status_and_a_hint(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    error = refused(status, headers, body, api_key=KEY)
    assert f"({status})" in error.message
    assert error.hint
    assert error.message.isascii()
    assert error.message.isprintable()


@given(st.binary(), st.booleans())
def test_a_body_that_is_not_a_listing_is_reported_and_not_quoted(body: bytes, cut: bool) -> None:
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


# --- proxies ---


@pytest.mark.parametrize(
    ("environment", "endpoint", "proxy"),
    [
        ({}, "https://api.host.langchain.com", None),
        ({"HTTPS_PROXY": "http://p:3128"}, "https://api.host.langchain.com", "http://p:3128"),
        ({"HTTPS_PROXY": "p:3128"}, "https://api.host.langchain.com", "http://p:3128"),
        ({"ALL_PROXY": "socks5h://p:1080"}, "https://api.host.langchain.com", "socks5h://p:1080"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "langchain.com"}, "https://api.host.langchain.com", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": ".langchain.com"}, "https://api.host.langchain.com", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, "https://api.host.langchain.com", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, "https://10.1.2.3:8443", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, "https://11.1.2.3", "http://p:1"),
        (
            {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "x, fd07:b51a:cc66:f0::/64"},
            "https://[fd07:b51a:cc66:f0::7]",
            None,
        ),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "[fd07::7]:9999"}, "https://[fd07::7]:8443", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*.corp.example"}, "https://api.corp.example", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "api.corp.example:443"}, "https://api.corp.example", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "api.corp.example:8443"}, "https://api.corp.example", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "corp.example"}, "https://xcorp.example", "http://p:1"),
        ({"ALL_PROXY": "socks5://p:1", "NO_PROXY": "api.corp.example"}, "https://api.corp.example", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "[fd07::7]"}, "https://[fd07::7]:443", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "[fd07::7]:443"}, "https://[fd07::7]:443", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "::1,[::1],fd07::/16"}, "https://example.com", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1"}, "https://localhost:8443", None),
        ({"HTTPS_PROXY": "http://p:1"}, "http://10.1.2.3", None),
        ({"HTTP_PROXY": "http://p:1"}, "http://10.1.2.3", "http://p:1"),
    ],
)
def test_F14_the_proxy_of_the_one_host_is_looked_up(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], endpoint: str, proxy: str | None
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert client.proxy_for(endpoint) == proxy


@pytest.mark.parametrize(
    "environment",
    [
        {"ALL_PROXY": "socks5h://127.0.0.1:1080"},
        {"HTTPS_PROXY": "nonsense://user:hunter2@proxy"},
        {"SSLKEYLOGFILE": "/no/such/keys.log"},
        {"NO_PROXY": "::1,[::1],fd07:b51a:cc66:f0::/64,not an entry,["},
    ],
)
def test_F14_settings_for_other_hosts_do_no_harm(
    monkeypatch: pytest.MonkeyPatch, authority: Authority, environment: dict[str, str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    asked = Asked(saying(answer(GOOD)), tls=authority.server("IP:127.0.0.1"), ca_file=str(authority.ca))
    assert asked.page is not None


def test_F14_an_error_names_the_proxy_that_was_in_use_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:hunter2@127.0.0.1:9")
    asked = Asked("https://control-plane.invalid", retries=0)
    assert asked.error is not None
    assert "through the proxy 127.0.0.1:9" in asked.error.message
    assert "hunter2" not in messages(asked.error)
