"""`rapport doctor`: look at an installation the way a colleague would, and say what is wrong and how to mend it."""

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dashboard.browser import find_chromium
from data_contracts.errors import RapportError
from messaging.clock import read_clock
from messaging.settings import Settings, read_settings
from messaging.terminal import emit

if TYPE_CHECKING:
    from messaging.store import Store

State = Literal["green", "amber", "red"]
STALE_AFTER = timedelta(days=2)
SMALL_DISK_GIB = 2
UNWATCHED_AFTER = timedelta(minutes=10)
MARK = {"green": "[green]ok[/]  ", "amber": "[yellow]note[/]", "red": "[red]mend[/]"}

app = typer.Typer()


@dataclass(frozen=True)
class Check:
    """What was looked at, what was seen, and what to do about it (empty where nothing is to be done)."""

    name: str
    state: State
    seen: str
    mend: str = ""


@app.command()
def doctor(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False
) -> None:
    """Say whether this installation is healthy, and the mend for each thing that is not."""
    checks = examine(read_settings())
    worst = worst_state(checks)
    emit(
        {"state": worst, "checks": [asdict(check) for check in checks]},
        as_json=as_json,
        human=lambda: show(checks),
    )
    if worst == "red":
        raise typer.Exit(1)


def examine(settings: Settings) -> list[Check]:
    """Run every check; one that fails in a way it names itself becomes a red row, not the end of the examination."""
    looks: tuple[tuple[str, Callable[[Settings], Iterator[Check]]], ...] = (
        ("Python", _python),
        ("SQLite", _sqlite),
        ("home", _home),
        ("sending", _sending),
        ("store", _store),
        ("build", _build),
        ("contracts", _contracts),
        ("notifications", _notifications),
        ("identity", _identity),
        ("pulls", _pulls),
        ("browser", _browser),
    )
    checks: list[Check] = []
    for name, look in looks:
        try:
            checks.extend(look(settings))
        except RapportError as error:
            checks.append(Check(name, "red", error.message, error.mend))
    return checks


def worst_state(checks: list[Check]) -> State:
    """Give the worst state among the checks."""
    states = {check.state for check in checks}
    return "red" if "red" in states else "amber" if "amber" in states else "green"


def show(checks: list[Check]) -> None:
    """Print the checks as a table a person can read."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for check in checks:
        table.add_row(MARK[check.state], f"[bold]{check.name}[/]", escape(check.seen))
        if check.mend:
            table.add_row("", "", f"[bold]->[/] {escape(check.mend)}")
    Console(highlight=False).print(table)
    words = {"green": "All is well.", "amber": "All is well, with a note.", "red": "Something needs you."}
    Console(highlight=False).print(f"\n{words[worst_state(checks)]}")


def _python(_: Settings) -> Iterator[Check]:
    version = sys.version_info
    text = f"{version.major}.{version.minor}.{version.micro}"
    if (3, 11) <= (version.major, version.minor) < (3, 14):
        yield Check("Python", "green", text)
    else:
        yield Check("Python", "red", f"{text} is not supported.", "Use Python 3.11, 3.12 or 3.13.")


def _sqlite(settings: Settings) -> Iterator[Check]:
    from messaging.store.engine import sqlite_module

    if not settings.store_address.startswith("sqlite"):
        return
    module = sqlite_module()
    library = "pysqlite3" if module.__name__.startswith("pysqlite3") else "the standard library"
    yield Check("SQLite", "green", f"{module.sqlite_version} from {library}")


def _home(settings: Settings) -> Iterator[Check]:
    there = next(path for path in (settings.home, *settings.home.absolute().parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        what = "is no folder" if not there.is_dir() else "is not writable"
        yield Check("home", "red", f"{there} {what}.", "Set RAPPORT_HOME to a folder of your own.")
        return
    if not settings.home.exists():
        yield Check(
            "home",
            "amber",
            f"{settings.home} does not exist yet.",
            "It is made on first use, or run `make demo`.",
        )
        return
    free = shutil.disk_usage(settings.home).free / 2**30
    if free < SMALL_DISK_GIB:
        yield Check(
            "home",
            "red",
            f"{free:.1f} GiB free on its disk.",
            f"Make room: a build wants {SMALL_DISK_GIB} GiB.",
        )
    else:
        yield Check("home", "green", f"{settings.home} ({free:.0f} GiB free)")
    for secret in sorted(settings.secrets_dir.glob("*")):
        if stat.S_IMODE(secret.stat().st_mode) & 0o077:
            yield Check("secrets", "red", f"{secret} can be read by others.", f"chmod 600 {secret}")
    clock = read_clock(settings.home)
    if clock.pinned_at:
        yield Check("clock", "green", f"pinned to {clock.pinned_at:%A %d %B %Y, %H:%M} UTC for the demo")


def _sending(settings: Settings) -> Iterator[Check]:
    if settings.sending == "sandbox":
        yield Check("sending", "green", f"to the sandbox at {settings.twilio_url}; nobody real is written to")
        return
    missing = missing_live_settings(settings)
    if missing:
        yield Check(
            "sending",
            "red",
            f"live, but {', '.join(missing)} not set.",
            "Set them (docs/settings.md), or RAPPORT_SENDING=sandbox.",
        )
    else:
        yield Check("sending", "green", f"live through {settings.twilio_url}")


def missing_live_settings(settings: Settings) -> list[str]:
    """Name the settings that live sending needs and does not have: the senders', and what marketing mail carries."""
    from messaging.senders.build import missing_settings

    address = [] if settings.company_address else ["RAPPORT_COMPANY_ADDRESS"]
    return [*missing_settings(settings), *address]


def _store(settings: Settings) -> Iterator[Check]:
    from messaging.addresses import known_addresses
    from messaging.store import open_store

    store = open_store(settings, create=False)
    state = store.schema_state()
    if state == "current":
        known_addresses(settings, store)  # a lost or swapped pepper is a red row of its own words
        yield Check("store", "green", "migrated to this version")
    elif state == "newer":
        yield Check(
            "store", "red", "is from a newer Rapport.", "Install that version, or restore the store's backup."
        )
    else:
        yield Check("store", "red", f"its schema is {state}.", "rapport upgrade")


def _build(settings: Settings) -> Iterator[Check]:
    pointer = settings.releases_dir / "current.json"
    if not pointer.exists():
        yield Check(
            "build",
            "red",
            "There is no build yet.",
            "Land something with `rapport ingest`, then `rapport build`.",
        )
        return
    try:
        release = json.loads(pointer.read_text())
        people, as_of = release["row_counts"]["customer_360"], datetime.fromisoformat(release["as_of"])
    except (OSError, ValueError, LookupError, TypeError):
        yield Check("build", "red", f"{pointer} is damaged.", "rapport build writes it anew")
        return
    if not (settings.releases_dir / release["file"]).exists():
        yield Check(
            "build",
            "red",
            f"The release {release['version']} is named but its file is gone.",
            "rapport build",
        )
        return
    age = read_clock(settings.home).now() - as_of
    if age > STALE_AFTER:
        yield Check(
            "build",
            "amber",
            f"The newest release is {age.days} days old.",
            "rapport build, or look at Dagster's schedule",
        )
    else:
        yield Check("build", "green", f"release {release['version']}, {people:,} people")


def _contracts(settings: Settings) -> Iterator[Check]:
    from sqlalchemy import select

    from messaging.store import open_store
    from messaging.store.tables import contract_status

    try:
        store = open_store(settings, create=False)
    except RapportError:
        return  # the check of the store has said so
    if store.schema_state() != "current":
        return
    with store.read() as connection:
        rows = connection.execute(select(contract_status.c.table_name, contract_status.c.state)).all()
    red = sorted(str(row.table_name) for row in rows if row.state == "red")
    if red:
        yield Check(
            "contracts",
            "red",
            f"broken: {', '.join(red)}.",
            _stopped_by(store)
            or "rapport build says which rule and the mend; rapport quarantine list shows what was refused or set aside",
        )
    elif rows:
        yield Check("contracts", "green", f"{len(rows)} tables hold their contracts")


def _stopped_by(store: "Store") -> str:
    """Give what the last build said that a red contract stopped: which files, how many rows, and the mend."""
    from sqlalchemy import select

    from messaging.store.tables import builds

    last = select(builds.c.state, builds.c.detail).order_by(builds.c.started_at.desc()).limit(1)
    with store.read() as connection:
        row = connection.execute(last).first()
    reason = str((row.detail or {}).get("reason", "")) if row and row.state == "failed" else ""
    return reason if reason.startswith("The contract of ") else ""


def _notifications(settings: Settings) -> Iterator[Check]:
    """Look whether people would hear of what is wrong, and whether there is anything just now."""
    from messaging import notifications
    from messaging.store import open_store
    from messaging.store.times import database_now

    rules = notifications.read_rules(settings.home)
    for name in rules.unreachable:
        yield Check(
            "notifications", "amber", f"{name} has no way to be told.", "Give one in notifications.yaml."
        )
    try:
        store = open_store(settings, create=False)
    except RapportError:
        return  # the check of the store has said so
    with store, store.read() as connection:
        looked, now = notifications.looked_at(connection), database_now(connection)
        open_ones = [one for one in notifications.open_notices(connection) if one.ended_at is None]
    if settings.sending == "live" and (looked is None or now - looked > UNWATCHED_AFTER):
        since = f"since {looked:%Y-%m-%d %H:%M} UTC" if looked else "yet"
        yield Check(
            "notifications",
            "red",
            f"Nobody has looked {since} at what may be wrong.",
            "Run `rapport up`, or `rapport notifications watch` beside it.",
        )
    if open_ones:
        events = ", ".join(sorted({one.event for one in open_ones}))
        yield Check(
            "notifications", "amber", f"{len(open_ones)} open: {events}.", "rapport notifications list"
        )
    elif looked:
        yield Check("notifications", "green", f"nothing is wrong; looked at {looked:%Y-%m-%d %H:%M} UTC")


def _identity(settings: Settings) -> Iterator[Check]:
    """Look at the company's own policy of who is one person; the next build is stopped by one that is wrong."""
    if not (settings.home / "identity.yaml").exists():
        return
    asked = _asked(settings, "identity", "policy", "--json")
    if asked.returncode:
        yield Check(
            "identity", "red", asked.stderr.strip().removeprefix("rapport: "), "rapport identity policy"
        )
    else:
        yield Check("identity", "green", "identity.yaml, the company's own, can be used")


def _asked(settings: Settings, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of ours for this home."""
    command = [str(Path(sys.executable).with_name("rapport")), *words]
    environment = {**os.environ, "RAPPORT_HOME": str(settings.home)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own


def _pulls(settings: Settings) -> Iterator[Check]:
    """Ask the command, for the windows and the pipelines do not import each other; only where there are pull files."""
    if not any((settings.home / "pulls").glob("*.yaml")):
        return
    asked = _asked(settings, "pull", "list", "--json")
    if asked.returncode:
        yield Check("pulls", "red", asked.stderr.strip(), "rapport pull list")
        return
    found = json.loads(asked.stdout)
    for item in found["broken"]:
        yield Check("pulls", "red", item["error"], f"Mend {item['path']} (docs/pulls.md).")
    own = [pull for pull in found["pulls"] if pull["own"]]
    for pull in own:
        wanted = [*pull["asks"], *(name for name, there in pull["secrets"].items() if not there)]
        if wanted and pull["enabled"]:
            yield Check(
                "pulls",
                "red",
                f"{pull['name']} wants {', '.join(wanted)}.",
                f"rapport pull check {pull['name']}",
            )
    timed = sum(1 for pull in own if pull["cron"])
    if not found["broken"]:
        yield Check("pulls", "green", f"{len(own)} of your own, {timed} of them by themselves")


def _browser(_: Settings) -> Iterator[Check]:
    chromium = find_chromium()
    if chromium:
        yield Check("browser", "green", f"{chromium} for browser tests")
    else:
        yield Check(
            "browser",
            "amber",
            "No Chromium: browser tests are skipped.",
            "apt-get install chromium, or set RAPPORT_CHROMIUM",
        )
