"""HTTP without a client's help: requests byte by byte, as no browser and no library would send them."""

import socket
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """An answer: its status, its headers by name in lower case, its body."""

    status: int
    headers: dict[str, str]
    body: bytes


def exchange(port: int, sent: bytes, seconds: float = 30.0) -> bytes:
    """What a server on this machine answers to these bytes, until it closes the connection."""
    with socket.create_connection(("127.0.0.1", port), seconds) as connection:
        connection.settimeout(seconds)
        connection.sendall(sent)
        received = b""
        while block := connection.recv(1 << 16):
            received += block
    return received


def ask(
    port: int, address: str, method: str = "GET", body: bytes = b"", host: str | None = "127.0.0.1", **headers: str
) -> Answer:
    """The answer to one request; underscores in the names of headers stand for hyphens."""
    lines = [f"{method} {address} HTTP/1.1", "Connection: close"]
    if host is not None:
        lines.append(f"Host: {host}")
    if body:
        lines.append(f"Content-Length: {len(body)}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return parsed(exchange(port, "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body))


def parsed(received: bytes) -> Answer:
    """The answer in what was received."""
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(": ") for line in lines)
    return Answer(int(first.split()[1]), {name.lower(): value for name, _, value in pairs}, body)
