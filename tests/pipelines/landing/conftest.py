"""A home to land in, and records of consents to land: a small table with most kinds of rules."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from data_contracts import contracts
from data_contracts.model import Contract
from messaging.clock import Clock
from messaging.settings import Settings, read_settings
from pipelines.landing import quarantine, writer
from pipelines.landing.staging import Delivery
from pipelines.landing.writer import Landed, land_records

NOON = datetime.fromisoformat("2026-10-30T12:00")
Record = dict[str, str | None]
Land = Callable[..., Landed]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)  # no .env of the checkout
    return read_settings(home=tmp_path / "home")


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


@pytest.fixture
def consent() -> Callable[..., Record]:
    return _consent


def _consent(number: int, **changes: str | None) -> Record:
    record: Record = {
        "source": "shop",
        "source_record_id": f"consent/{number}",
        "occurred_at": "2026-10-01 09:00:00",
        "email": f"person{number}@example.com",
        "channel": "email",
        "purpose": "marketing",
        "action": "grant",
        "legal_basis": "consent",
        "raw_record": "{}",
    }
    return record | changes


@pytest.fixture
def chat() -> Callable[..., Record]:
    return _chat


def _chat(number: int, **changes: str | None) -> Record:
    record: Record = {
        "source": "shop",
        "source_record_id": f"message/{number}",
        "occurred_at": "2026-10-01 09:00:00",
        "conversation_id": "talk",
        "message_id": str(number),
        "author_kind": "customer",
        "raw_record": "{}",
    }
    return record | changes


@pytest.fixture
def land(settings: Settings, clock: Clock) -> Land:
    """Land records as if they were a file; the same records are the same file."""

    def landing(*records: Record, table: str = "consents", mapping: str = "test") -> Landed:
        digest = hashlib.sha256(repr(records).encode()).hexdigest()
        return land_records(
            settings, clock, Delivery("shop", table, f"{table}.csv", digest, mapping), records
        )

    return landing


@pytest.fixture
def rows() -> Callable[[Landed, str], list[tuple[Any, ...]]]:
    return _rows


def _rows(landed: Landed, columns: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        query = f"SELECT {columns} FROM read_parquet(?) ORDER BY source_record_id, received_at"
        return connection.execute(query, [str(landed.landing.path)]).fetchall()


@pytest.fixture
def mended(monkeypatch: pytest.MonkeyPatch) -> Contract:
    """Let the contract of consents take the channel fax."""
    old = contracts.load_contract("consents")
    columns = tuple(
        replace(
            column,
            rules=tuple(
                replace(rule, values=(*rule.values, "fax")) if rule.values else rule for rule in column.rules
            ),
        )
        if column.name == "channel"
        else column
        for column in old.columns
    )
    new = replace(old, columns=columns)
    for module in (quarantine, writer):
        monkeypatch.setattr(module, "load_contract", lambda _: new)
    return new
