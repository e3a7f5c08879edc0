"""What is sent to people and programs, and what never is."""

from __future__ import annotations

import json
import logging
import re
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from socket import gaierror
from ssl import SSLError
from typing import Any, ClassVar
from urllib.error import URLError

import pytest

from driftcheck import notify
from driftcheck.notify import NotifyError


def transition(kind: str, deployment: str | None = "claims", **given: Any) -> dict[str, Any]:
    base = {
        "kind": kind,
        "target": None,
        "deployment": deployment,
        "path": "source_config.resource_spec.min_scale",
        "rule": None,
        "severity": "error",
        "owner": None,
        "first_seen": "2026-01-02T00:00:00Z",
        "last_seen": "2026-01-03T00:00:00Z",
        "declared": 2,
        "live": 1,
    }
    return base | given


def document(*transitions: dict[str, Any], **given: Any) -> dict[str, Any]:
    base = {
        "format_version": "1.0",
        "run": "r1",
        "generated_at": "2026-01-03T00:00:00Z",
        "command": "check",
        "report_id": "production",
        "outcome": "drift",
        "transitions": list(transitions),
    }
    return base | given


def outage(kind: str) -> dict[str, Any]:
    return {"kind": kind, "target": None, "outcome": "incomplete"}


def test_one_cause_in_many_deployments_is_one_line() -> None:
    title, body = notify.text(document(*(transition("opened", f"agent-{number}") for number in range(34))))
    assert title == "driftcheck check production: 34 new"
    assert body.splitlines() == [
        "New:",
        "- error: source_config.resource_spec.min_scale: live 1, declared 2, in 34 deployments: agent-0, agent-1, "
        "agent-2, agent-3, agent-4 and 29 more",
        "Run r1, 2026-01-03T00:00:00Z.",
    ]


def test_another_live_value_is_another_line() -> None:
    _, body = notify.text(document(transition("opened"), transition("opened", "other", live=7)))
    assert body.count("- error:") == 2


def test_an_outage_and_its_end_are_one_line_each() -> None:
    assert notify.text(document(outage("outage")))[1].startswith("The check was inconclusive (outcome: incomplete).")
    title, body = notify.text(document(outage("recovered"), transition("resolved")))
    assert title == "driftcheck check production: check works again, 1 resolved"
    assert "since 2026-01-02" in body


def test_a_redacted_value_is_not_mentioned() -> None:
    redacted = {key: value for key, value in transition("opened").items() if key not in ("live", "declared")}
    assert "live" not in notify.text(document(redacted))[1]


def test_mentions_markup_and_control_characters_are_escaped() -> None:
    hostile = transition("opened", "<!channel>\n@here", path='labels["<b>\x1b[31m"]', live="@everyone <a> `x` \n")
    title, body = notify.text(document(hostile, report_id="@here"))
    assert not set("@<>&`\x1b") & set(title + body)
    assert len(body.splitlines()) == 3


def test_O3_no_text_is_a_link_or_an_image() -> None:
    link = "![x](https://evil.example) [y][z] WWW.evil.example"
    hostile = transition("opened", link, path=f'labels["{link}"]', live=link, declared=link, owner=link)
    title, body = notify.text(document(hostile, report_id=link))
    assert not re.search(r"\]\(|\]\[|://|www\.", title + body, re.IGNORECASE)
    _, plain = notify.text(document(transition("opened", path="sidecars[name=otel].args[0]", live="r.example.com/a:1")))
    assert 'sidecars[name=otel].args[0]: live "r.example.com/a:1"' in plain


def test_a_long_value_and_a_long_list_are_cut() -> None:
    many = [transition("opened", path=f"labels.k{number}", live="x" * 5000) for number in range(100)]
    _, body = notify.text(document(*many))
    assert "and 80 more" in body
    assert len(body) < 5000


def test_destinations_hold_nothing_of_the_address() -> None:
    urls = ["slack://SECRET/SECRET/SECRET", "json://user:SECRET@example.com/SECRET", "slack://OTHER", "SECRET", ""]
    assert list(notify.destinations(urls)) == ["slack#1", "json#1", "slack#2", "unknown#1", "unknown#2"]


class Hook(BaseHTTPRequestHandler):
    answers = 200
    received: ClassVar[list[tuple[str, dict[str, str], Any]]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Hook.received.append((self.path, dict(self.headers), body))
        self.send_response(Hook.answers)
        if Hook.answers == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Hook, "received", [])
    monkeypatch.setattr(Hook, "answers", 200)
    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("scheme", ["json", "http"])
def test_a_webhook_gets_the_document(hook: int, scheme: str) -> None:
    sent = document(transition("opened"))
    notify.send(f"{scheme}#1", f"{scheme}://user:pass%40@127.0.0.1:{hook}/path?a=b&+X-Token=t+t", sent)
    [(path, headers, body)] = Hook.received
    assert path == "/path?a=b"
    assert headers["Authorization"] == "Basic dXNlcjpwYXNzQA=="
    assert headers["X-Token"] == "t+t"
    assert body == sent


@pytest.mark.parametrize("answer", [302, 404, 500])
def test_a_webhook_that_does_not_accept_is_an_error_without_the_address(
    hook: int, monkeypatch: pytest.MonkeyPatch, answer: int
) -> None:
    monkeypatch.setattr(Hook, "answers", answer)
    with pytest.raises(NotifyError, match=f"HTTP {answer}") as caught:
        notify.send("json#1", f"json://user:SECRET@127.0.0.1:{hook}/SECRET", document(transition("opened")))
    assert "SECRET" not in str(caught.value) + str(caught.value.hint)
    assert len(Hook.received) == 1


@pytest.mark.parametrize(
    "url",
    [
        "json://user:SECRET@127.0.0.1:1/SECRET",
        "json://user:SECRET@[broken/SECRET",
        "json://127.0.0.1:SECRET/",
        "slack://SECRET",
        "nonsense://SECRET",
        "SECRET",
        "mailto://user:SECRET@127.0.0.1:1?smtp=127.0.0.1&to=x@example.com",
    ],
)
def test_an_address_that_can_not_be_used_is_not_shown(
    url: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    [(name, _)] = notify.destinations([url]).items()
    with pytest.raises(NotifyError) as caught:
        notify.send(name, url, document(transition("opened")))
    shown = capfd.readouterr()
    assert "SECRET" not in str(caught.value) + str(caught.value.hint) + shown.out + shown.err + caplog.text
    assert caught.value.__cause__ is None


def test_services_of_apprise_get_title_and_text(monkeypatch: pytest.MonkeyPatch) -> None:
    apprise = pytest.importorskip("apprise")
    calls = []

    class Service:
        def notify(self, **given: Any) -> bool:
            calls.append(given)
            return True

    monkeypatch.setattr(apprise.Apprise, "instantiate", lambda url: Service())
    notify.send("slack#1", "slack://x", document(outage("outage")))
    assert calls[0]["title"] == "driftcheck check production: check fails"
    assert calls[0]["notify_type"] is apprise.NotifyType.FAILURE
    assert logging.getLogger("apprise").disabled


def test_without_apprise_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(NotifyError) as caught:
        notify.send("slack#1", "slack://x", document(outage("outage")))
    assert caught.value.hint == "pip install 'langsmith-driftcheck[notify]'"


def test_a_service_that_drips_its_answer_is_given_up_at_the_deadline() -> None:
    stopped = threading.Event()

    def drip(listening: socket.socket) -> None:
        accepted, _ = listening.accept()
        with accepted, suppress(OSError):
            accepted.sendall(b"HTTP/1.1 200 OK\r\n")
            while not stopped.wait(0.02):
                accepted.sendall(b"X: y\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip, args=(listening,))
        thread.start()
        address = f"json://127.0.0.1:{listening.getsockname()[1]}/SECRET"
        with pytest.raises(NotifyError, match=r"longer than 0\.3 seconds") as caught:
            notify.send("json#1", address, document(transition("opened")), deadline=0.3)
        stopped.set()
        thread.join()
    assert "SECRET" not in str(caught.value)


def test_what_ends_the_thread_of_a_notification_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def ends(*_: object) -> None:
        raise SystemExit(0)

    monkeypatch.setattr(notify, "_post", ends)
    with pytest.raises(SystemExit):
        notify.send("json#1", "json://127.0.0.1:1", document(transition("opened")))


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (URLError(ConnectionRefusedError(111, "secret.example")), "connection refused"),
        (URLError(gaierror(-2, "secret.example")), "the name of the host is not known"),
        (URLError(SSLError("secret.example")), "no secure connection could be made (TLS)"),
        (TimeoutError("secret.example"), "there was no answer within 10 seconds"),
        (ValueError("secret.example"), "ValueError"),
        (URLError("secret.example"), "URLError"),
    ],
)
def test_the_cause_of_a_failure_is_reported_without_the_address(error: Exception, cause: str) -> None:
    assert notify._cause(error) == cause
