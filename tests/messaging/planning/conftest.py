"""A small company as a published release: the tables of a build, filled by each test as it needs."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from data_contracts.contracts import published_contract
from messaging.addresses import Addresses, read_addresses
from messaging.customers import Customers
from messaging.settings import Settings
from messaging.store import Store

AS_OF = datetime.fromisoformat("2026-10-30T06:00")


def promised(table: str) -> str:
    """Write the columns of a published table as its contract has them."""
    return ", ".join(f'"{name}" {kind}' for name, kind in published_contract(table).duckdb_columns().items())


TABLES = {
    "customer_360": promised("customer_360"),
    "customer_timeline": promised("customer_timeline"),
    "orders": """customer_id VARCHAR, order_id VARCHAR, source VARCHAR, ordered_at TIMESTAMP,
        status VARCHAR, line_count BIGINT, net_amount_minor BIGINT, refund_minor BIGINT, currency VARCHAR""",
    "shipments": """customer_id VARCHAR, shipment_id VARCHAR, order_id VARCHAR, source VARCHAR,
        status VARCHAR, carrier VARCHAR, tracking_number VARCHAR,
        shipped_at TIMESTAMP, estimated_delivery_at TIMESTAMP,
        delivered_at TIMESTAMP, days_late BIGINT""",
    "order_lines": """source VARCHAR, source_record_id VARCHAR, customer_id VARCHAR, order_id VARCHAR,
        occurred_at TIMESTAMP""",
    "identity_map": """source VARCHAR, source_record_id VARCHAR, customer_id VARCHAR, identifier_type VARCHAR,
        match_key VARCHAR""",
    "identity_evidence": """customer_id VARCHAR, kind VARCHAR, identifier_type VARCHAR, match_key VARCHAR,
        other_type VARCHAR, other_key VARCHAR, source VARCHAR, source_record_id VARCHAR, origin_table VARCHAR,
        other_source VARCHAR, other_record_id VARCHAR, records BIGINT, first_seen_at TIMESTAMP,
        last_seen_at TIMESTAMP, weight DOUBLE, detail JSON""",
    "identity_refused": """customer_id VARCHAR, other_customer_id VARCHAR, kind VARCHAR, identifier_type VARCHAR,
        match_key VARCHAR, other_type VARCHAR, other_key VARCHAR, source VARCHAR, source_record_id VARCHAR,
        origin_table VARCHAR, other_source VARCHAR, other_record_id VARCHAR, records BIGINT,
        first_seen_at TIMESTAMP, last_seen_at TIMESTAMP, weight DOUBLE, rule VARCHAR, detail JSON""",
    "identity_review": """review_id VARCHAR, customer_id VARCHAR, other_customer_id VARCHAR, source VARCHAR,
        source_record_id VARCHAR, other_source VARCHAR, other_record_id VARCHAR, weight DOUBLE, probability DOUBLE,
        detail JSON""",
    "identity_journal": """"at" TIMESTAMP, build_id VARCHAR, kind VARCHAR, customer_id VARCHAR,
        other_customer_id VARCHAR, records BIGINT, cause VARCHAR, detail JSON""",
    "identity_golden": """customer_id VARCHAR, attribute VARCHAR, value VARCHAR, source VARCHAR,
        source_record_id VARCHAR, occurred_at TIMESTAMP, rule VARCHAR, candidates BIGINT""",
    "customer_identifiers": """customer_id VARCHAR, identifier_type VARCHAR, value VARCHAR,
        source_count BIGINT, first_seen_at TIMESTAMP, last_seen_at TIMESTAMP, is_best BOOLEAN""",
    "identity_alias": 'old_customer_id VARCHAR, customer_id VARCHAR, "at" TIMESTAMP, reason VARCHAR',
    "contract_results": """table_name VARCHAR, state VARCHAR, rows_checked BIGINT, rows_quarantined BIGINT,
        rule VARCHAR, failed BIGINT, severity VARCHAR, checked_at TIMESTAMP""",
    "release_info": """version VARCHAR, as_of TIMESTAMP, built_at TIMESTAMP, run_id VARCHAR,
        schema_version VARCHAR, row_counts JSON, watermarks JSON""",
}

DEFAULTS: dict[str, dict[str, Any]] = {
    "customer_360": {
        "given_name": "Ada",
        "family_name": "Lovelace",
        "country": "GB",
        "language": "en",
        "time_zone": "Europe/London",
        "time_zone_source": "profile",
        "first_seen_at": AS_OF - timedelta(days=700),
        "last_seen_at": AS_OF - timedelta(days=200),
        "record_count": 3,
        "source_count": 2,
        "email_consent": "granted",
        "sms_consent": "granted",
        "preferred_channel": "sms",
        "preferred_channel_reason": "Answered 2 of our last 3 text messages",
        "first_order_at": AS_OF - timedelta(days=700),
        "last_order_at": AS_OF - timedelta(days=200),
        "days_since_last_order": 200,
        "order_count": 3,
        "net_revenue_minor": 12_300,
        "refund_minor": 0,
        "average_order_minor": 4_100,
        "favourite_category": "Lamps",
        "open_shipment_count": 0,
        "late_shipment_count": 0,
        "inbound_message_count": 1,
        "outbound_message_count": 1,
        "open_conversation_count": 0,
        "outreach_90d_count": 0,
        "lifecycle_stage": "lapsed",
    },
    "customer_timeline": {
        "origin_table": "purchases",
        "direction": "in",
        "kind": "order",
        "title": "An order",
    },
    "orders": {"source": "shopify", "status": "paid", "line_count": 1, "refund_minor": 0, "currency": "GBP"},
    "shipments": {"source": "shopify", "status": "delivered"},
    "customer_identifiers": {
        "source_count": 1,
        "is_best": True,
        "first_seen_at": AS_OF,
        "last_seen_at": AS_OF,
    },
    "identity_alias": {"at": AS_OF, "reason": "merge"},
    "identity_map": {"identifier_type": "record"},
    "identity_evidence": {
        "kind": "deterministic",
        "source": "shopify",
        "source_record_id": "line/1",
        "origin_table": "purchases",
        "records": 1,
        "first_seen_at": AS_OF,
        "last_seen_at": AS_OF,
    },
    "identity_refused": {
        "kind": "deterministic",
        "source": "shopify",
        "source_record_id": "line/1",
        "origin_table": "purchases",
        "records": 1,
        "first_seen_at": AS_OF,
        "last_seen_at": AS_OF,
    },
    "identity_journal": {"at": AS_OF, "build_id": "bld_1", "cause": "evidence", "records": 2},
    "contract_results": {"rows_checked": 10, "rows_quarantined": 0, "failed": 0, "severity": "error"},
}

WriteRelease = Callable[..., str]


@pytest.fixture
def publish(settings: Settings) -> WriteRelease:
    """Publish a release holding the rows given by table; each call is a newer version, `without` some tables."""
    made: list[str] = []

    def write(as_of: datetime = AS_OF, without: Sequence[str] = (), **tables: list[dict[str, Any]]) -> str:
        version = f"20261030T{len(made):06d}"
        made.append(version)
        release = {
            "version": version,
            "file": f"c360-{version}.duckdb",
            "as_of": as_of.isoformat(),
            "built_at": as_of.isoformat(),
            "schema_version": "1",
            "row_counts": {name: len(rows) for name, rows in tables.items()},
        }
        info = {"version": version, "as_of": as_of, "built_at": as_of, "schema_version": "1"}
        tables["release_info"] = [info]
        settings.releases_dir.mkdir(parents=True, exist_ok=True)
        _write_file(settings.releases_dir / release["file"], tables, without)
        pointer = settings.releases_dir / "current.json"
        waiting = pointer.with_suffix(".new")
        waiting.write_text(json.dumps(release))
        waiting.replace(pointer)
        return version

    return write


@pytest.fixture
def addresses(settings: Settings, store: Store) -> Addresses:
    return read_addresses(settings, store)


@pytest.fixture
def customers(settings: Settings, store: Store, addresses: Addresses) -> Iterator[Customers]:
    reader = Customers(settings, store)
    yield reader
    reader.close()


def phone_of(number: int) -> str:
    """Give a number out of Ofcom's ranges for drama, a thousand an area."""
    areas = (
        "207946",
        "113496",
        "114496",
        "151496",  # 0115 496 is Ofcom's too, but no number to phonenumbers
        "116496",
        "117496",
        "118496",
        "121496",
        "131496",
        "141496",
    )
    return f"+44{areas[number // 1000]}{number % 1000:04d}"


def person(number: int, **facts: Any) -> dict[str, Any]:
    """Make a customer that differs from the others in name and addresses."""
    given, family = facts.get("given_name", "Ada"), facts.get("family_name", f"Lovelace{number}")
    made = {
        "customer_id": f"cus_{number:032x}",
        "given_name": given,
        "family_name": family,
        "display_name": f"{given or ''} {family or ''}".strip() or None,
        "email": f"ada{number}@example.com",
        "phone": phone_of(number),
    }
    made |= facts
    made.setdefault("email_reachable", made["email"] is not None and made.get("email_consent") != "revoked")
    made.setdefault("sms_reachable", made["phone"] is not None and made.get("sms_consent") != "revoked")
    return made


@pytest.fixture
def make_person() -> Callable[..., dict[str, Any]]:
    return person


def _write_file(path: Path, tables: dict[str, list[dict[str, Any]]], without: Sequence[str]) -> None:
    with duckdb.connect(str(path)) as connection:
        for name, columns in TABLES.items():
            if name in without:
                continue
            connection.execute(f"CREATE TABLE {name} ({columns})")
            rows = [DEFAULTS.get(name, {}) | row for row in tables.get(name, [])]
            if not rows:
                continue
            described = connection.execute(f"DESCRIBE {name}").fetchall()
            known = [column[0] for column in described]
            assert not {key for row in rows for key in row} - set(known)
            marks = ", ".join("?" for _ in known)
            connection.begin()
            values = [[row.get(key) for key in known] for row in rows]
            connection.executemany(f"INSERT INTO {name} VALUES ({marks})", values)
            connection.commit()
