"""Requests that no proper client would send, byte by byte."""

import contextlib
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx

PART = b'--x\r\nContent-Disposition: form-data; name="checkpoint"; filename="one"\r\n\r\n'


def slug(response: httpx.Response) -> str:
    """The last word of a problem's type."""
    return str(response.json()["type"]).rsplit(":", 1)[1]


def head(length: int = 1000, path: str = "/classify", method: str = "POST", client: str = "", more: str = "") -> bytes:
    """The head of an upload."""
    lines = [f"{method} {path} HTTP/1.1", "Host: x", "Content-Type: multipart/form-data; boundary=x"]
    lines += [f"Content-Length: {length}"] if length else []
    lines += [f"X-Forwarded-For: {client}"] if client else []
    lines += [more] if more else []
    return "\r\n".join([*lines, "", ""]).encode()


@contextlib.contextmanager
def connected(url: str, count: int = 1) -> Iterator[list[socket.socket]]:
    """Open connections."""
    address = urlsplit(url)
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(socket.create_connection((str(address.hostname), address.port or 0), timeout=30))
            for _ in range(count)
        ]


def ask(url: str, *sent: bytes, pause: float = 0.0) -> str:
    """Send bytes on a connection of their own, and read the answer until it ends or says its type."""
    with connected(url) as (raw,):
        for piece in sent:
            raw.sendall(piece)
            time.sleep(pause)
        return answer_of(raw)


def answer_of(raw: socket.socket) -> str:
    """What comes, until a problem's document is whole or the connection ends."""
    answer = ""
    with contextlib.suppress(TimeoutError, ConnectionResetError):
        while not (answer.endswith("}") or "content-length: 0" in answer) and (more := raw.recv(65536)):
            answer += more.decode()
    return answer
