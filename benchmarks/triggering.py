"""`python -m benchmarks.triggering`: how long it takes from an event that a shop posts to the message that is queued for it.

Everything is as it runs for you: the receiver, the sandbox and a dispatcher that sends, in processes of their own, on a copy
of a company's store beside its release. A shop posts events one by one, so many a second, and the store is asked ten times a
second which of them have their message: what is told is up to a tenth of a second too long.
"""

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

from sqlalchemy import func, select

from benchmarks.homes import beside, built_home
from benchmarks.landing import alone
from messaging import api_keys
from messaging.addresses import read_addresses
from messaging.clock import PIN_FILE
from messaging.customers import Customers
from messaging.links import read_links
from messaging.planner import build_planner
from messaging.planner.standing import approve_standing
from messaging.settings import read_settings
from messaging.store import Store, open_store
from messaging.store.tables_triggers import triggerings

CAMPAIGN = "parcel_shipped"
GOAL = 5.0  # seconds
LOOK = 0.1  # seconds between two looks into the store
PATIENCE = 60.0  # seconds after the last event
PEOPLE = "SELECT email FROM c360.customer_360 WHERE email IS NOT NULL ORDER BY customer_id LIMIT ?"


def main() -> None:
    """Measure, print; end with 1 where the goal is missed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.triggering", description="What a trigger takes."
    )
    parser.add_argument("--home", help="of a company that is built (default: one is made)")
    parser.add_argument(
        "--rows", type=int, default=200_000, help="of the company that is made (default 200,000)"
    )
    parser.add_argument("--rate", type=float, default=50.0, help="events a second (default 50)")
    parser.add_argument("--seconds", type=float, default=60.0, help="for so long (default 60)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rapport-triggering-") as scratch:
        built = Path(options.home) if options.home else alone(built_home, Path(scratch), options.rows)
        found = measure(beside(built, Path(scratch) / "home"), options.rate, options.seconds)
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        print(
            f"  {found['events']:,} events at {found['rate']:.0f} a second: queued after {found['median']:.2f} s in the"
            f" median, {found['p99']:.2f} s at the 99th percentile, {found['longest']:.2f} s at most (goal {GOAL:g});"
            f" {found['left_out']} left out with a reason, {found['lost']} lost, {found['people']:,} people known"
        )
    sys.exit(found["lost"] > 0 or found["longest"] > GOAL)


def measure(home: Path, rate: float, seconds: float) -> dict[str, Any]:
    """Post events to a running installation, and look when each has its message."""
    settings = read_settings(home=home)
    with open_store(settings) as store, ExitStack() as parts:
        read_addresses(settings, store)
        read_links(settings)
        (home / PIN_FILE).unlink(missing_ok=True)  # a clock that stands still times nothing
        emails, known = _people(settings, store, int(rate * seconds))
        with store.write() as connection:
            _, secret = api_keys.create(connection, "bench", "bench", datetime.now(UTC).replace(tzinfo=None))
        planner = build_planner(settings, store=store)
        approve_standing(planner, planner.plan(CAMPAIGN, "bench").run_id, "reviewer")
        planner.customers.close()
        ports = {name: _free_port() for name in ("sandbox", "mail", "webhooks")}
        environment = os.environ | {
            "RAPPORT_HOME": str(home),
            "RAPPORT_SANDBOX_URL": f"http://127.0.0.1:{ports['sandbox']}",
            "RAPPORT_SMTP_URL": f"smtp://127.0.0.1:{ports['mail']}",
            "RAPPORT_PUBLIC_URL": f"http://127.0.0.1:{ports['webhooks']}",
        }
        boxes = ["--port", str(ports["sandbox"]), "--smtp-port", str(ports["mail"])]
        for module, words in (
            ("messaging.sandbox", boxes),
            ("messaging.webhooks", ["--port", str(ports["webhooks"])]),
        ):
            parts.enter_context(_running([sys.executable, "-m", module, *words], environment))
        parts.enter_context(
            _running([str(Path(sys.executable).with_name("rapport")), "dispatch"], environment)
        )
        _await(ports["sandbox"], ports["webhooks"])
        time.sleep(5)  # the dispatcher opens no port
        posted, queued = asyncio.run(_both(store, ports["webhooks"], secret, emails, rate))
        with store.read() as connection:
            wrote = select(func.count()).where(triggerings.c.message_id.is_not(None))
            messages = connection.execute(wrote).scalar_one()
    took = [queued[event_id] - at for event_id, at in posted.items() if event_id in queued]
    cuts = quantiles(took, n=100)
    return {
        "events": len(posted),
        "rate": rate,
        "people": known,
        "median": cuts[49],
        "p99": cuts[98],
        "longest": max(took),
        "left_out": len(took) - messages,
        "lost": len(posted) - len(took),
    }


def _people(settings: Any, store: Store, number: int) -> tuple[list[str], int]:
    customers = Customers(settings, store)
    found = [str(row["email"]) for row in customers.query(PEOPLE, [number])]
    known = int(customers.query("SELECT count(*) AS people FROM c360.customer_360")[0]["people"])
    customers.close()
    return [found[place % len(found)] for place in range(number)], known


async def _both(
    store: Store, port: int, secret: str, emails: Sequence[str], rate: float
) -> tuple[dict[str, float], dict[str, float]]:
    posted: dict[str, float] = {}
    watcher = asyncio.create_task(_watch(store, posted, len(emails)))
    waiting = []
    begin = time.monotonic()
    for number, email in enumerate(emails):
        await asyncio.sleep(max(begin + number / rate - time.monotonic(), 0))
        waiting.append(asyncio.create_task(_post(port, secret, f"e{number}", email, posted)))
    await asyncio.gather(*waiting)
    return posted, await watcher


async def _post(port: int, secret: str, event_id: str, email: str, posted: dict[str, float]) -> None:
    event = {"message_id": event_id, "name": CAMPAIGN, "email": email, "order_id": event_id}
    event |= {"url": f"https://shop.example.com/t/{event_id}", "occurred_at": datetime.now(UTC).isoformat()}
    body = json.dumps(event).encode()
    head = (
        f"POST /events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {secret}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    posted[event_id] = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head.encode() + body)
    answer = await reader.read()
    writer.close()
    if not answer.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"The receiver answered {answer[:60]!r}.")


async def _watch(store: Store, posted: dict[str, float], number: int) -> dict[str, float]:
    queued: dict[str, float] = {}
    table = triggerings.c
    begun = time.monotonic()
    while len(queued) < number and time.monotonic() - max(posted.values(), default=begun) < PATIENCE:
        await asyncio.sleep(LOOK)
        with store.read() as connection:
            rows = select(table.event_id).where(table.state != "waiting")
            found: Sequence[str] = connection.execute(rows).scalars().all()
        now = time.monotonic()
        queued |= {event_id: now for event_id in found if event_id not in queued}
    return queued


@contextmanager
def _running(command: Sequence[str], environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
        if process.poll() is not None:
            raise SystemExit(f"{' '.join(command[-2:])} ended by itself, with {process.returncode}.")
    finally:
        process.terminate()
        process.wait()


def _await(*ports: int) -> None:
    until = time.monotonic() + 60
    for port in ports:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if time.monotonic() > until:
                    raise SystemExit(f"Nothing listens on port {port}.") from None
                time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


if __name__ == "__main__":
    main()
