"""What messaging's tests share: a home of their own, a store in it, and a clock that stands still."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from messaging.clock import Clock
from messaging.settings import Settings
from messaging.store import Store, open_store

NOON = datetime.fromisoformat("2026-10-30T12:00")  # a Friday; London is on UTC
SETTING_PREFIXES = ("RAPPORT_", "TWILIO_", "SENDGRID_")


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the settings of whoever runs the tests out of them."""
    import os

    for name in [name for name in os.environ if name.startswith(SETTING_PREFIXES)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)  # no .env of the checkout


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "home"
    path.mkdir()
    return path


@pytest.fixture
def settings(home: Path) -> Settings:
    from messaging.settings import read_settings

    return read_settings(home=home)


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with open_store(settings) as opened:
        yield opened
