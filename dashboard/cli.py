"""The commands of this package: `rapport up`."""

import fcntl
import os
import signal
import socket
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from data_contracts.errors import ServiceError, UsageError
from messaging.clock import PIN_FILE
from messaging.settings import Settings, read_settings
from messaging.terminal import emit, plain, say

if TYPE_CHECKING:
    from dashboard.parts import Ports
    from dashboard.supervisor import Part
    from messaging.store import Store

app = typer.Typer()

LOCK_FILE = "up.lock"
READY_WITHIN = 240.0  # seconds; Dagster's first load of its code location has taken 74 on a busy machine


@app.command()
def up(  # noqa: PLR0913 (one option a port)
    *,
    demo: Annotated[bool, typer.Option(help="Show the company that `make demo` made.")] = False,
    app_port: Annotated[int, typer.Option(help="The app.", min=1, max=65535)] = 8501,
    dagster_port: Annotated[int, typer.Option(help="Dagster's UI.", min=1, max=65535)] = 3000,
    webhooks_port: Annotated[int, typer.Option(help="What providers call.", min=1, max=65535)] = 8011,
    sandbox_port: Annotated[int, typer.Option(help="The sandbox.", min=1, max=65535)] = 8010,
    mail_port: Annotated[int, typer.Option(help="Its mail catcher.", min=1, max=65535)] = 8025,
    as_json: Annotated[bool, typer.Option("--json", help="Print the addresses as JSON.")] = False,
) -> None:
    """Start the app, Dagster, the webhooks, the dispatcher, the watch and the sandbox; Ctrl-C ends them all."""
    from dashboard.parts import Ports

    settings = read_settings()
    ports = Ports(app_port, dagster_port, webhooks_port, sandbox_port, mail_port)
    if demo:
        require_demo(settings)
    refuse_taken(ports.in_use(settings))
    with only_one(settings.home):
        run(settings, ports, demo=demo, as_json=as_json)


def run(settings: Settings, ports: "Ports", *, demo: bool, as_json: bool) -> None:
    """Hold an installation up until somebody ends it."""
    from dashboard.parts import installation, prepare_dagster
    from dashboard.supervisor import Supervisor
    from messaging.store import open_store

    with open_store(settings) as store:  # once, here: five parts would race to migrate it
        link = None if demo else first_link(store, ports)
    prepare_dagster(settings)
    parts = installation(settings, ports)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: ended.set())
    supervisor = Supervisor(parts, settings.logs_dir.absolute(), _tell)
    _tell(f"starting {', '.join(part.name for part in parts)} ...")
    try:
        supervisor.start()
        supervisor.wait_until_ready(READY_WITHIN, ended.is_set)
        if not ended.is_set():
            document = {**addresses(parts, settings), "first_link": link}
            emit(document, as_json=as_json, human=lambda: show(parts, settings, link))
            sys.stdout.flush()  # whoever reads us through a pipe waits for this, and we do not end
        while not ended.wait(0.5):
            supervisor.tick()
    finally:
        _tell("ending all parts ...")
        supervisor.stop()
        _tell("all ended")


def first_link(store: "Store", ports: "Ports") -> str | None:
    """Give the address at which the first admin comes in, or None once there is one who can sign in."""
    from messaging import users

    with store.write() as connection:
        token = users.first_link(connection, datetime.now(UTC).replace(tzinfo=None))
    return f"http://127.0.0.1:{ports.app}/join?link={token}" if token else None


def require_demo(settings: Settings) -> None:
    """Raise ServiceError unless the home is one that `make demo` made."""
    if not (settings.home / PIN_FILE).exists() or not (settings.releases_dir / "current.json").exists():
        raise ServiceError(f"{settings.home} holds no demo yet.", "Run `make demo` first.")


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold the home while the block runs; raises ServiceError when another `rapport up` does already."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / LOCK_FILE).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise ServiceError(
                f"Another `rapport up` (process {lock.read().strip() or 'unknown'}) runs on {home}.",
                "End it first, or set RAPPORT_HOME to another folder.",
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def refuse_taken(ports: dict[str, int]) -> None:
    """Raise when a port is asked for twice (UsageError) or somebody listens on one already (ServiceError)."""
    for port, times in Counter(ports.values()).items():
        if times > 1:
            names = " and ".join(f"--{name}-port" for name, value in ports.items() if value == port)
            raise UsageError(f"{names} are both {port}.", "Give each its own.")
    for name, port in ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that just closed is free
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise ServiceError(
                    f"Port {port}, wanted for {name}, cannot be had ({error.strerror}).",
                    f"End what listens there (another `rapport up`?) or choose one with --{name}-port.",
                ) from None


def addresses(parts: "list[Part]", settings: Settings) -> dict[str, Any]:
    """Give the addresses as a document."""
    return {
        "home": str(settings.home.absolute()),
        "sending": settings.sending,
        "parts": [
            {"name": part.name, "purpose": part.purpose, "address": part.address or None} for part in parts
        ],
        "logs": str(settings.logs_dir.absolute()),
    }


def show(parts: "list[Part]", settings: Settings, link: str | None = None) -> None:
    """Print the addresses as a table, the app first."""
    order = {"app": 0, "dagster": 1, "sandbox": 2}
    listed = sorted(parts, key=lambda part: order.get(part.name, 9))
    name = max(len(part.name) for part in listed)
    address = max(len(part.address) for part in listed)
    say()
    for part in listed:
        say(f"  [bold]{part.name:<{name}}[/]  {part.address or '-':<{address}}  {part.purpose}")
    if link:
        say(f"\n  No admin can sign in yet. The first comes in here, within a day: {plain(link)}")
    say(f"\n  Logs are in {_short(settings.logs_dir)}. Messages go to: {settings.sending}. Ctrl-C ends all.")


def _short(path: Path) -> Path:
    here = Path.cwd()
    return path.absolute().relative_to(here) if path.absolute().is_relative_to(here) else path


def _tell(sentence: str) -> None:
    typer.echo(f"rapport up: {sentence}", err=True)
