"""A home with a handful of records landed, built once for all tests that only read it."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

import pytest

from messaging.clock import Clock
from messaging.settings import Settings, read_settings
from pipelines.defs.build import BuildReport, run_build
from pipelines.landing.staging import Delivery
from pipelines.landing.writer import land_records

NOON = datetime.fromisoformat("2026-10-30T12:00")
PREFIXES = ("RAPPORT_", "TWILIO_", "SENDGRID_", "DAGSTER_")

Record = Mapping[str, str | None]


@pytest.fixture(autouse=True, scope="session")
def _bare_environment() -> Iterable[None]:
    """Keep the settings of whoever runs the tests out of them."""
    patch = pytest.MonkeyPatch()
    for name in [name for name in os.environ if name.startswith(PREFIXES)]:
        patch.delenv(name)
    yield
    patch.undo()


@pytest.fixture(scope="session")
def clock() -> Clock:
    return Clock(NOON)


def purchase(number: int, **columns: str) -> Record:
    """Give an order line: order 1, 2 ... of one line each, on the n-th of October."""
    return {
        "source": "shop",
        "source_record_id": f"line/{number}",
        "occurred_at": f"2026-10-{number:02d} 10:00:00",
        "order_id": f"order-{number}",
        "line_kind": "sale",
        "product_id": "mug",
        "product_name": "Mug",
        "product_category": "kitchen",
        "quantity": "2",
        "unit_price_minor": "600",
        "net_amount_minor": "1200",
        "currency": "GBP",
        **columns,
    }


def text_message(number: int, body: str, phone: str) -> Record:
    """Give a text message that somebody sent to us."""
    return {
        "source": "twilio",
        "source_record_id": f"message/SM{number}",
        "occurred_at": f"2026-10-{number:02d} 11:00:00",
        "message_id": f"SM{number}",
        "channel": "sms",
        "direction": "inbound",
        "phone": phone,
        "from_address": phone,
        "to_address": "+447700900999",
        "body": body,
        "status": "received",
    }


def consent(number: int, action: str, **columns: str) -> Record:
    """Give a consent that another system recorded."""
    return {
        "source": "shop",
        "source_record_id": f"consent/{number}",
        "occurred_at": f"2026-10-{number:02d} 09:00:00",
        "channel": "email",
        "purpose": "marketing",
        "action": action,
        "legal_basis": "consent",
        **columns,
    }


PURCHASES = [
    purchase(1, email="ada.quill@example.com", phone="+447700900001"),
    purchase(2, email="ADA.Quill@example.com "),
    purchase(3, email="ben.quill@example.com", phone="+447700900002"),
    purchase(4),  # a guest
]
TEXTS = [
    text_message(5, "please don't stop my order", "+447700900001"),
    text_message(6, "STOP", "+447700900002"),
]
CONSENTS = [consent(1, "grant", email="ada.quill@example.com")]


def land(settings: Settings, clock: Clock, table: str, records: Iterable[Record]) -> None:
    """Land canonical records, as a reader would hand them on."""
    rows = list(records)
    name = hashlib.sha256(json.dumps(rows).encode()).hexdigest()
    source = str(rows[0]["source"])
    land_records(settings, clock, Delivery(source, table, "test.csv", name, "test"), rows)


def land_everything(settings: Settings, clock: Clock) -> None:
    """Land the handful."""
    land(settings, clock, "purchases", PURCHASES)
    land(settings, clock, "sms_messages", TEXTS)
    land(settings, clock, "consents", CONSENTS)


@pytest.fixture(scope="session")
def built_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Give the settings of the home that `built` was built in; do not write to it."""
    return read_settings(home=tmp_path_factory.mktemp("built") / "home")


@pytest.fixture(scope="session")
def built(built_settings: Settings, clock: Clock) -> BuildReport:
    land_everything(built_settings, clock)
    return run_build(built_settings, clock)


@pytest.fixture
def copied(built: BuildReport, built_settings: Settings, tmp_path: Path) -> Settings:
    """Give the settings of a copy of that home, to build in again."""
    shutil.copytree(built_settings.home, tmp_path / "copied")
    return read_settings(home=tmp_path / "copied")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Give the settings of an empty home."""
    return read_settings(home=tmp_path / "home")
