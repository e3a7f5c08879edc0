"""A server that sends the given bytes, for faults that a proper server can't produce."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import TypeAlias

Conversation: TypeAlias = Callable[[socket.socket, threading.Event], None]
"""Answers one request on a connection; the event is set when the test is over."""


@contextlib.contextmanager
def serving(conversation: Conversation, *, tls: ssl.SSLContext | None = None) -> Iterator[tuple[str, list[bytes]]]:
    """Hold the conversation on every connection; returns the base URL and the requests' heads as they come."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    over, heads = threading.Event(), list[bytes]()
    threads: list[threading.Thread] = []

    def converse(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            if tls is not None:
                connection = tls.wrap_socket(connection, server_side=True)
            with connection:
                while head := _head(connection):
                    heads.append(head)
                    conversation(connection, over)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                thread = threading.Thread(target=converse, args=(connection,), daemon=True)
                threads.append(thread)
                thread.start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        scheme = "http" if tls is None else "https"
        yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}", heads
    finally:
        over.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join(5)


def _head(connection: socket.socket) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        received = connection.recv(4096)
        if not received:
            return b""
        head += received
    return head


def answer(body: bytes, *, status: str = "200 OK", headers: tuple[str, ...] = ()) -> bytes:
    """A whole and proper answer."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def saying(*answers: bytes, close: bool = False) -> Conversation:
    """Return the answers in turn, the last one over and over; `close` ends the connection after each."""
    left = list(answers)

    def converse(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(left.pop(0) if len(left) > 1 else left[0])
        if close:
            raise ConnectionAbortedError

    return converse


def endless(start: bytes, more: bytes, *, pause: float = 0.0) -> Conversation:
    """Send a start, and then more and more until the test is over."""

    def converse(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(start)
        while not over.wait(pause):
            connection.sendall(more)

    return converse
