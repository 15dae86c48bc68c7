"""The folder that a demo lives in: what it says about itself, and what a second run keeps or replaces."""

import fcntl
import shutil
from datetime import datetime
from pathlib import Path

from data_contracts.errors import RefusedError, ServiceError
from messaging.clock import pin_clock
from messaging.settings import HOME_SETTINGS, Settings, read_settings
from pipelines.settings import DEMO_MARK

KEPT = ("library", "logs", "up.lock")
COMPANY = {
    "RAPPORT_COMPANY_NAME": "Harbour & Pine",
    "RAPPORT_COMPANY_ADDRESS": "12 Quay Street, Seaton SE1 0AA, United Kingdom",
    "RAPPORT_OWN_DOMAINS": "harbour-and-pine.example.com",
    "RAPPORT_MAIL_FROM": "hello@harbour-and-pine.example.com",
    "RAPPORT_CURRENCY": "GBP",
    "RAPPORT_TIME_ZONE": "Europe/London",
}


def prepare_home(home: Path, noon: datetime) -> tuple[Settings, str]:
    """Make an empty demo home with its clock pinned to `noon` (naive UTC); give its settings and a sentence.

    What an earlier demo left is replaced, but for the library, where people may have edited. Raises
    RefusedError where the folder holds anything that no demo made, ServiceError while `rapport up` runs on it.
    """
    told = f"a new company in {home}"
    if home.exists() and any(home.iterdir()):
        if not (home / DEMO_MARK).exists():
            raise RefusedError(
                f"{home} holds data that no demo made, and a demo would replace it.",
                "Set RAPPORT_HOME to another folder, such as RAPPORT_HOME=.rapport-demo.",
            )
        _refuse_while_up(home)
        _clear(home)
        told = f"again in {home}: library/ is kept as it is, everything else is replaced"
    home.mkdir(parents=True, exist_ok=True)
    (home / DEMO_MARK).write_text(
        "`make demo` made this folder, and replaces all of it but library/ when it runs again.\n"
    )
    (home / HOME_SETTINGS).write_text("".join(f'{name}="{value}"\n' for name, value in COMPANY.items()))
    pin_clock(home, noon)
    return read_settings(home=home), told


def _clear(home: Path) -> None:
    for path in home.iterdir():
        if path.name in KEPT:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _refuse_while_up(home: Path) -> None:
    """Raise ServiceError when `rapport up` holds the home: it would read and write what we replace."""
    path = home / "up.lock"
    if not path.exists():
        return
    with path.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            raise ServiceError(
                f"`rapport up` is running on {home}.", "End it with Ctrl-C, then run the demo again."
            ) from None
