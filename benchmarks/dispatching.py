"""How fast we dispatch, beside Twilio's own client without a store, against a provider on loopback that takes 50 ms.

Both run in fresh processes one after the other, in turns, so that what else the machine does falls upon both. The
provider is a process of its own, and counts how often it was sent each message. Each line is the median of three turns.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, ClassVar
from urllib.parse import parse_qs

import requests

NOON = datetime.fromisoformat("2026-10-30T12:00")
LATENCY = 0.05  # seconds
TURNS = 3
BODY = "Hello number {}, your order is on its way and will be with you on Friday."


@dataclass(frozen=True)
class Run:
    """One run: wall seconds and CPU seconds of the process (or of all of them) for so many messages."""

    messages: int
    seconds: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds

    @property
    def milliseconds(self) -> float:
        """CPU of one message."""
        return 1000 * self.cpu_seconds / self.messages


class Provider(asyncio.Protocol):
    """Takes messages over HTTP as Twilio does, each after 50 ms; GET tells how many came, and how many twice."""

    came: ClassVar[Counter[str]] = Counter()

    def connection_made(self, transport: Any) -> None:
        """Begin."""
        self.transport, self.buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        """Take what is whole; a client waits for its answer before it asks again."""
        self.buffer += data
        head, split, body = self.buffer.partition(b"\r\n\r\n")
        if not split:
            return
        lengths = [line[15:] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        if len(body) < (int(lengths[0]) if lengths else 0):
            return
        self.buffer = b""
        if head.startswith(b"GET"):
            twice = sum(count > 1 for count in self.came.values())
            self.answer(200, {"messages": sum(self.came.values()), "twice": twice})
            self.came.clear()
            return
        to = parse_qs(body.decode())["To"][0]
        self.came[to] += 1
        sid = f"SM{time.monotonic_ns():032x}"
        record = {"sid": sid, "status": "queued", "num_segments": "1", "to": to, "error_code": None}
        asyncio.get_running_loop().call_later(LATENCY, self.answer, 201, record)

    def answer(self, status: int, document: dict[str, Any]) -> None:
        """Answer."""
        body = json.dumps(document).encode()
        head = (
            f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self.transport.write(head.encode() + body)


async def _provide() -> None:
    server = await asyncio.get_running_loop().create_server(Provider, "127.0.0.1", 0, backlog=512)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


def send_bare(url: str, count: int, threads: int) -> Run:
    """Send with Twilio's own client and HTTP, pointed at the provider, from so many threads."""
    from twilio.http.http_client import TwilioHttpClient  # type: ignore[import-untyped]
    from twilio.rest import Client  # type: ignore[import-untyped]

    class Here(TwilioHttpClient):  # type: ignore[misc]
        def request(self, method: str, uri: str, *rest: Any, **more: Any) -> Any:
            """Send what is meant for Twilio to the provider."""
            return super().request(method, uri.replace("https://api.twilio.com", url), *rest, **more)

    client = Client("AC" + "0" * 32, "token", http_client=Here(timeout=10))
    adapter = requests.adapters.HTTPAdapter(pool_maxsize=threads)
    client.http_client.session.mount("http://", adapter)
    client.http_client.session.trust_env = False

    def send(number: int) -> None:
        client.messages.create(to=f"+4420794{10000 + number}", from_="+15005550006", body=BODY.format(number))

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(send, range(threads)))  # connections, and what is imported on the way
        wall, cpu = time.perf_counter(), time.process_time()
        list(pool.map(send, range(threads, threads + count)))
        return Run(count, time.perf_counter() - wall, time.process_time() - cpu)


def send_ours(home: Path, url: str, count: int, threads: int) -> Run:
    """Dispatch what is queued in a home; where `count` is given, that only to get warm, and then so many more."""
    from messaging.clock import Clock
    from messaging.dispatch import dispatch_once
    from messaging.senders.build import build_senders
    from messaging.settings import read_settings
    from messaging.store import open_store

    settings = read_settings(home=home, twilio_api_url=url)
    with open_store(settings) as store:
        senders = build_senders(settings, ["sms"])
        if count:  # what is imported and compiled on the way
            dispatch_once(store, senders, Clock(NOON), threads=threads)
            fill(home, count, first=threads)
        wall, cpu = time.perf_counter(), time.process_time()
        report = dispatch_once(store, senders, Clock(NOON), threads=threads)
        return Run(report.accepted, time.perf_counter() - wall, time.process_time() - cpu)


def fill(home: Path, count: int, first: int = 0) -> None:
    """Queue marketing by SMS to so many people who agreed to it."""
    from messaging import outbox
    from messaging.addresses import read_addresses
    from messaging.consent_chain import ConsentEvent, append
    from messaging.settings import read_settings
    from messaging.store import open_store
    from messaging.store.ids import new_id

    settings = read_settings(home=home)
    said: dict[str, Any] = {
        "channel": "sms",
        "purpose": "marketing",
        "action": "grant",
        "legal_basis": "consent",
    }
    said |= {"occurred_at": NOON - timedelta(days=9), "source": "bench", "actor": "bench", "method": "form"}
    with open_store(settings) as store:
        addresses = read_addresses(settings, store)
        planned = [
            outbox.PlannedMessage(
                message_id=new_id("msg"),
                customer_id=f"cus_{number}",
                channel="sms",
                address=f"+4420794{10000 + number}",
                address_hash=addresses.hash(f"+4420794{10000 + number}"),
                body=BODY.format(number),
                time_zone="Europe/London",
                country="GB",
            )
            for number in range(first, first + count)
        ]
        with store.write() as connection:
            append(connection, [ConsentEvent(customer_id=one.customer_id, **said) for one in planned], NOON)
            outbox.insert_planned(connection, planned, NOON, queued=True)


@contextmanager
def providing() -> Iterator[str]:
    """Run the provider while the block runs; give its address."""
    command = [sys.executable, "-m", "benchmarks.dispatching", "provide"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def _child(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.dispatching", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _ended(processes: Sequence["subprocess.Popen[str]"]) -> list[Run]:
    runs = []
    for process in processes:
        out, _ = process.communicate()
        if process.returncode:
            sys.exit(process.returncode)
        runs.append(Run(**json.loads(out.splitlines()[-1])))
    return runs


def _twice(url: str) -> int:
    with requests.Session() as session:
        session.trust_env = False
        return int(session.get(url, timeout=10).json()["twice"])


def compare(url: str, threads: int, count: int) -> None:
    """Measure one number of threads, in turns, and print it."""
    bare: list[Run] = []
    ours: list[Run] = []
    twice = 0
    for _ in range(TURNS):
        bare += _ended([_child("bare", url, str(count), str(threads))])
        _twice(url)
        with tempfile.TemporaryDirectory() as folder:
            fill(Path(folder), threads)
            ours += _ended([_child("ours", folder, url, str(count), str(threads))])
        twice += _twice(url)
    rate, bare_rate = (median(run.rate for run in runs) for runs in (ours, bare))
    cpu, bare_cpu = (median(run.milliseconds for run in runs) for runs in (ours, bare))
    bound = min(threads / LATENCY, bare_rate)
    _say(
        f"{threads:3} threads: {rate:5.0f} a second, Twilio's client {bare_rate:5.0f}, ceiling {threads / LATENCY:5.0f}: "
        f"{rate / bound:.2f} of the smaller; CPU {cpu:.2f} ms a message "
        f"beside {bare_cpu:.2f}: {cpu / bare_cpu:.2f}; twice {twice}"
    )


def side_by_side(url: str, dispatchers: int, count: int, threads: int) -> None:
    """Let several dispatchers share one outbox on PostgreSQL, and print it."""
    import os

    from tests.conftest import PostgreSQL

    server = PostgreSQL()
    try:
        os.environ["RAPPORT_STORE_URL"] = server.make("bench", template="template0")
        with tempfile.TemporaryDirectory() as folder:
            fill(Path(folder), count)
            runs = _ended([_child("ours", folder, url, "0", str(threads)) for _ in range(dispatchers)])
            wall = max(run.seconds for run in runs if run.messages)
        shares = ", ".join(f"{run.messages:,}" for run in runs)
        rate = sum(run.messages for run in runs) / wall
        _say(
            f"PostgreSQL, {dispatchers} dispatchers of {threads} threads: {rate:.0f} a second "
            f"({shares}); twice {_twice(url)} of {count:,}"
        )
    finally:
        del os.environ["RAPPORT_STORE_URL"]
        server.close()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Measure, or be one of the processes that are measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dispatching", description=__doc__)
    parser.add_argument("part", nargs="*", default=[], help=argparse.SUPPRESS)
    parser.add_argument("--messages", type=int, default=3000)
    parser.add_argument("--threads", type=int, nargs="*", default=[16, 32, 64])
    options = parser.parse_args()
    part, *words = options.part or ["all"]
    if part == "provide":
        asyncio.run(_provide())
    elif part == "bare":
        _say(json.dumps(send_bare(words[0], int(words[1]), int(words[2])).__dict__))
    elif part == "ours":
        _say(json.dumps(send_ours(Path(words[0]), words[1], int(words[2]), int(words[3])).__dict__))
    else:
        with providing() as url:
            for threads in options.threads:
                compare(url, threads, options.messages)
            side_by_side(url, 3, options.messages, 16)


if __name__ == "__main__":
    main()
