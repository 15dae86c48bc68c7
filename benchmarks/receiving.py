"""`python -m benchmarks.receiving [--callbacks N] [--rounds N] [--json]`: what a status callback costs the receiver.

Beside it, in the same run and in turns, a receiver that only checks the signature and commits the bytes in groups: what no
receiver can do without. Callbacks come over loopback by connections that are kept open; CPU seconds are the receiver's own.
"""

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from sqlalchemy import insert

from messaging.addresses import read_addresses
from messaging.clock import pin_clock
from messaging.sandbox.signing import signature
from messaging.settings import SANDBOX_AUTH_TOKEN, Settings, read_settings
from messaging.store import open_store
from messaging.store.ids import new_id
from messaging.store.tables import messages

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from messaging.store import Store

KINDS = ("bare", "rapport")
NOON = datetime(2026, 10, 30, 12)
CONNECTIONS = 32
TARGET = 0.6
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Round:
    """One turn: callbacks a second, by the wall and by the receiver's CPU."""

    kind: str
    a_second: float
    a_cpu_second: float


def main() -> None:
    """Measure and print; with --serve, be one of the receivers."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.receiving", description="What callbacks cost."
    )
    parser.add_argument("--callbacks", type=int, default=5000, help="in each turn (default 5,000)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each (default 5)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--serve", nargs=3, metavar=("KIND", "HOME", "PORT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        kind, home, port = options.serve
        serve(kind, read_settings(home=Path(home)), int(port))
        return
    rounds = run(options.callbacks, options.rounds)
    verdict = told(rounds)
    if options.json:
        print(json.dumps({"rounds": [asdict(one) for one in rounds], **verdict}, indent=2))
        return
    for one in rounds:
        print(f"{one.kind:<8} {one.a_second:>8,.0f} callbacks/s {one.a_cpu_second:>8,.0f} per CPU second")
    print(
        f"Of the bare receiver's: {verdict['wall']:.2f} by the wall, {verdict['cpu']:.2f} by CPU "
        f"(at least {TARGET} by the wall: {'yes' if verdict['holds'] else 'NO'})."
    )


def run(callbacks: int, rounds: int) -> list[Round]:
    """Measure both receivers in turns, each on a store of its own."""
    with tempfile.TemporaryDirectory(prefix="rapport-receiving-") as folder:
        homes = {kind: Path(folder) / kind for kind in KINDS}
        requests = {kind: _prepare(home, callbacks * (rounds + 1)) for kind, home in homes.items()}
        measured = []
        for turn in range(rounds + 1):
            for kind in KINDS:
                with _receiver(kind, homes[kind]) as (port, process_id):
                    part = requests[kind][turn * callbacks : (turn + 1) * callbacks]
                    measured.append(_turn(kind, port, process_id, part))
        return measured[len(KINDS) :]  # the first turn warms the machine


def told(rounds: Sequence[Round]) -> dict[str, float | bool]:
    """Give how much of the bare receiver's rate ours has, by the medians."""
    wall, cpu = (
        {kind: statistics.median(getattr(one, name) for one in rounds if one.kind == kind) for kind in KINDS}
        for name in ("a_second", "a_cpu_second")
    )
    share = wall["rapport"] / wall["bare"]
    return {"wall": share, "cpu": cpu["rapport"] / cpu["bare"], "holds": share >= TARGET}


def serve(kind: str, settings: Settings, port: int) -> None:
    """Be a receiver until killed."""
    from messaging import serving
    from messaging.clock import read_clock
    from messaging.webhooks.app import build_app

    with open_store(settings) as store:
        ours = kind == "rapport"
        app: ASGIApp = (
            build_app(settings, store, read_clock(settings.home), lambda _: [])
            if ours
            else _bare(settings, store)
        )
        serving.serve(app, "127.0.0.1", port)


def _bare(settings: Settings, store: "Store") -> "Starlette":
    """Build what only checks the signature and commits the bytes, with others in one commit."""
    from starlette.applications import Starlette
    from starlette.responses import Response
    from starlette.routing import Route

    from messaging.store.tables_receiver import raw_requests
    from messaging.webhooks.signatures import is_signed, read_form

    async def take(request: "Request") -> Response:
        body = await request.body()
        form = read_form(request.headers, body)
        url = f"{settings.public_url}{request.url.path}?{request.url.query}"
        if form is None or not is_signed(settings.twilio_token, url, request.headers, form):
            return Response(status_code=403)
        row = {
            "digest": new_id("evt"),
            "intake": "bare",
            "query": "",
            "content_type": "",
            "body": body,
            "received_at": NOON,
        }
        await asyncio.wrap_future(
            store.writer.submit(
                str(row["digest"]), lambda connection: connection.execute(insert(raw_requests), row)
            )
        )
        return Response(status_code=204)

    async def health(_: "Request") -> Response:
        return Response(status_code=200)

    return Starlette(routes=[
        Route("/webhooks/twilio/status", take, methods=["POST"]), Route("/healthz", health),
    ])  # fmt: skip


def _prepare(home: Path, count: int) -> list[bytes]:
    """Make a store with messages that were accepted, and a signed callback for each."""
    home.mkdir(parents=True)
    pin_clock(home, NOON)
    settings = read_settings(home=home)
    rows = [
        {
            "message_id": new_id("msg"), "customer_id": f"cus_{number}", "channel": "sms", "address": "+447700900123",
            "address_hash": f"{number:064x}", "message_class": "marketing", "body": "Hello", "state": "accepted",
            "provider": "twilio", "provider_sid": f"SM{number:032x}", "provider_status": "queued", "attempt_count": 1,
            "created_at": NOON, "calling_at": NOON, "updated_at": NOON,
        }
        for number in range(count)
    ]  # fmt: skip
    with open_store(settings) as store:
        read_addresses(settings, store)  # before any hash is in it, as every installation makes its pepper
        with store.write() as connection:
            connection.execute(insert(messages), rows)
    return [_request(settings.public_url, str(row["message_id"]), str(row["provider_sid"])) for row in rows]


def _request(public_url: str, message_id: str, sid: str) -> bytes:
    path = f"/webhooks/twilio/status?message={message_id}"
    form = {
        "MessageSid": sid,
        "SmsSid": sid,
        "MessageStatus": "delivered",
        "SmsStatus": "delivered",
        "To": "+447700900123",
    }
    form |= {
        "From": "+15005550006",
        "AccountSid": "AC" + "0" * 32,
        "ApiVersion": "2010-04-01",
        "RawDlrDoneDate": "2610301200",
    }
    body = urlencode(form).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"X-Twilio-Signature: {signature(SANDBOX_AUTH_TOKEN, public_url + path, form)}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@contextmanager
def _receiver(kind: str, home: Path) -> Iterator[tuple[int, int]]:
    """Run a receiver in a process of its own while the block runs; give its port and its process id."""
    port = _free_port()
    command = [sys.executable, "-m", "benchmarks.receiving", "--serve", kind, str(home), str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _await(port)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _await(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("The receiver did not start.")


def _turn(kind: str, port: int, process_id: int, requests: Sequence[bytes]) -> Round:
    cpu, wall = _cpu_of(process_id), time.perf_counter()
    asyncio.run(_post(port, requests))
    wall, cpu = time.perf_counter() - wall, _cpu_of(process_id) - cpu
    return Round(kind, len(requests) / wall, len(requests) / cpu)


async def _post(port: int, requests: Sequence[bytes]) -> None:
    """Post all of them over some connections, each waiting for its answers."""
    parts = [requests[number::CONNECTIONS] for number in range(CONNECTIONS)]
    await asyncio.gather(*(_post_one_by_one(port, part) for part in parts))


async def _post_one_by_one(port: int, requests: Sequence[bytes]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in requests:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 204"):
            raise SystemExit(f"The receiver answered {head[:40]!r}.")
    writer.close()


def _cpu_of(process_id: int) -> float:
    """Give the CPU seconds that a process has used, user and system."""
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


if __name__ == "__main__":
    main()
