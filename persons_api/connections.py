"""The TCP connections of this process, for what the HTTP server has no option for."""

import os
import resource
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

import psutil

# Connections of one process at the same time, idle ones included.
MAX_CONNECTIONS = 5_500
# PostgreSQL, ClickHouse, files, logs.
_OTHER_FILES = 1_000
# A connection that takes no bytes for so long is cut off by the kernel.
_UNREAD_MILLISECONDS = 60_000


class Address(NamedTuple):
    """Of a client."""

    host: str
    port: int


def allow_connections() -> int:
    """Raise the limit of open files where that is allowed; returns how many connections there is room for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    # A server without a free descriptor spins in accept().
    return max(min(MAX_CONNECTIONS, soft - _OTHER_FILES), soft // 2)


def limit_unread() -> int | None:
    """Have the kernel close connections whose clients stop reading.

    Returns the port that this process listens on, None before it does.
    """
    for own in _sockets():
        with own:
            if own.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                # Accepted connections inherit both.
                own.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                if hasattr(socket, "TCP_USER_TIMEOUT"):
                    own.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNREAD_MILLISECONDS)
                return int(own.getsockname()[1])
    return None


def close(clients: set[Address]) -> None:
    """Close the connections of these clients, whatever waits in them."""
    for own in _sockets():
        with own, suppress(OSError):
            if Address(*own.getpeername()[:2]) in clients:
                own.shutdown(socket.SHUT_RDWR)


def close_others(port: int, clients: set[Address]) -> None:
    """Close all connections to the port but those of these clients."""
    for own in _sockets():
        with own, suppress(OSError):
            if own.getsockname()[1] == port and Address(*own.getpeername()[:2]) not in clients:
                own.shutdown(socket.SHUT_RDWR)


def _sockets() -> Iterator[socket.socket]:
    """Duplicates of the TCP sockets of this process. A number may be another file by now: check addresses."""
    for each in psutil.Process().net_connections("tcp"):
        with suppress(OSError):
            yield socket.socket(fileno=os.dup(each.fd))
