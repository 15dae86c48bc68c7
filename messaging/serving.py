"""Serve an ASGI app: in the foreground for a process of its own, or in a thread for tests and the demo."""

import ipaddress
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn

from data_contracts.errors import ServiceError, UsageError
from messaging.settings import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

DROP = "rapport.drop"
LOOPBACK = "127.0.0.1,::1"  # proxies that may say who asks, unless others are named
START_SECONDS = 20


def serve(app: "ASGIApp", host: str, port: int, trusted_proxies: str = LOOPBACK) -> None:
    """Serve `app` until the process is told to stop by Ctrl-C or SIGTERM, and return then.

    `trusted_proxies` are addresses and networks whose X-Forwarded-For is believed, separated by commas.
    Raises ServiceError when the port is taken.
    """
    listener = _listen(host, port)
    # uvicorn sends itself the signal again after its shutdown, which would end us before we close our files
    before = [(number, signal.signal(number, signal.SIG_IGN)) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        _server(app, trusted_proxies).run(sockets=[listener])
    finally:
        listener.close()
        for number, handler in before:
            signal.signal(number, handler)


@contextmanager
def running(
    make: "Callable[[str], ASGIApp]",
    port: int = 0,
    host: str = "127.0.0.1",
    trusted_proxies: str = LOOPBACK,
) -> Iterator[str]:
    """Serve an app from a thread while the block runs, and give its base URL; port 0 takes a free one.

    `make` builds the app, and is told that URL. Raises ServiceError when the port is taken or the app does
    not start.
    """
    listener = _listen(host, port)
    base_url = f"http://{host}:{listener.getsockname()[1]}"
    server = _server(make(base_url), trusted_proxies)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="serving", daemon=True)
    thread.start()
    try:
        _await_start(server, thread)
        yield base_url
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)
        listener.close()


def only_loopback(host: str, what: str) -> None:
    """Refuse to bind `what` anywhere but on this machine, with UsageError."""
    if not is_loopback(host):
        raise UsageError(
            f"{what} has no protection against strangers, so it does not listen on {host}.",
            "Use --host 127.0.0.1.",
        )


def _server(app: "ASGIApp", trusted_proxies: str) -> uvicorn.Server:
    config = uvicorn.Config(
        _Droppable(app),
        log_level="warning",
        access_log=False,  # paths of the phone pages carry numbers
        ws="none",
        server_header=False,
        forwarded_allow_ips=also_mapped(trusted_proxies),
        timeout_graceful_shutdown=3,
    )
    return uvicorn.Server(config)


def also_mapped(proxies: str) -> str:
    """Give proxies with their IPv4 addresses as IPv6 too: a listener on `::` sees 10.0.0.5 as ::ffff:10.0.0.5."""
    named = [each.strip() for each in proxies.split(",")]
    networks = [ipaddress.ip_network(each) for each in named]
    mapped = [
        f"::ffff:{each.network_address}/{96 + each.prefixlen}" for each in networks if each.version == 4
    ]
    return ",".join([*named, *mapped])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise ServiceError(
            f"Port {port} on {host} cannot be used: {error.strerror or error}.",
            "Stop what holds it, or choose another port.",
        ) from None
    return listener


def _await_start(server: uvicorn.Server, thread: threading.Thread) -> None:
    waited = threading.Event()
    for _ in range(START_SECONDS * 100):
        if server.started:
            return
        if not thread.is_alive():
            break
        waited.wait(0.01)
    raise ServiceError("The server did not start.", "Look at what it wrote on standard error.")


class _Droppable:
    """Lets a route close its connection without a word: the sandbox imitates a network that breaks.

    uvicorn's `send` is bound to the object that holds the transport; ASGI itself has no word for this.
    """

    def __init__(self, app: "ASGIApp") -> None:
        self.app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        transport: Any = getattr(getattr(send, "__self__", None), "transport", None)
        if transport is not None:
            scope[DROP] = transport.abort
        await self.app(scope, receive, send)
