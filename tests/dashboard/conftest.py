"""A small company for the app's pages: a published release of 240 people and a store beside it, seeded."""

import json
import os
import random
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from dashboard.door.gate import utc_now
from messaging.access import Role
from messaging.addresses import read_addresses
from messaging.clock import pin_clock
from messaging.consent_imports import ImportedConsent, record_imports
from messaging.settings import Settings, read_settings
from messaging.sign_ins import sign_in_demo
from messaging.store import open_store

NOON = datetime.fromisoformat("2026-10-30T12:00")
AS_OF = datetime.fromisoformat("2026-10-30T06:00")
PEOPLE = 240
GIVEN = ("Ada", "Grace", "Alan", "Zoë", "Björn", "Inés", "Émile", "Priya", "Nnamdi", "Li")
PLAIN = ("ada", "grace", "alan", "zoe", "bjorn", "ines", "emile", "priya", "nnamdi", "li")
FAMILY = ("Lovelace", "Hopper", "Turing", "O'Neill", "Åström", "García", "Dubois", "Rao", "Okafor", "Wei")
HOSTILE = "<script>alert(1)</script> ![x](https://evil.example/x.png) **bold** \u202etxt =HYPERLINK(1)"
TEXTS = ("Where is my parcel?", "Thank you, it arrived!", "Can I change the colour?", HOSTILE)

Tables = dict[str, list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """Put back what Streamlit's AppTest takes the place of: processes that a later test spawns would run the page."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(("RAPPORT_HOME", "RAPPORT_S", "TWILIO_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)  # no .env of the checkout


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a home with a release in it; tests that write to its store make a copy."""
    home = tmp_path_factory.mktemp("company") / "home"
    content = tables()
    publish(home, content)
    record_consents(home, content)
    return home


@pytest.fixture
def home(company: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Point this process at the company, with the app's caches empty before and after."""
    import streamlit as st

    monkeypatch.setenv("RAPPORT_HOME", str(company))
    come_in(monkeypatch, "admin")
    st.cache_resource.clear()
    st.cache_data.clear()
    yield company
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def sign_in_as(monkeypatch: pytest.MonkeyPatch) -> Callable[[Role], None]:
    """Give the way to be somebody of another role from now on."""
    return partial(come_in, monkeypatch)


def come_in(monkeypatch: pytest.MonkeyPatch, role: Role) -> None:
    """Sign in to whichever home is the process's, as the demo does: an AppTest asks no server, and has no headers."""
    tokens: dict[str, str] = {}

    def enter(settings: Settings) -> str:
        with open_store(settings) as store:
            return sign_in_demo(store, role, utc_now())

    def token() -> str:
        settings = read_settings()
        if str(settings.home) not in tokens:
            with ThreadPoolExecutor(1) as aside:  # a page's own thread would be asked who signs in here
                tokens[str(settings.home)] = aside.submit(enter, settings).result()
        return tokens[str(settings.home)]

    monkeypatch.setattr("dashboard.session.token", token)


def publish(home: Path, content: Tables) -> None:
    """Write a release as a build would, and pin the clock as the demo does."""
    version = "20261030T060000"
    (home / "releases").mkdir(parents=True)
    with duckdb.connect(str(home / "releases" / f"c360-{version}.duckdb")) as connection:
        for name, rows in content.items():
            frame = pd.DataFrame(rows)
            connection.register("frame", frame)
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM frame")
            connection.unregister("frame")
    pointer = {"version": version, "file": f"c360-{version}.duckdb", "schema_version": "1"}
    pointer |= {"as_of": AS_OF.isoformat(), "built_at": AS_OF.isoformat()}
    counts = {name: len(rows) for name, rows in content.items()}
    (home / "releases" / "current.json").write_text(json.dumps(pointer | {"row_counts": counts}))
    pin_clock(home, NOON)


def record_consents(home: Path, content: Tables) -> None:
    """Tell the store what the release says of consents, as a build does after it published."""
    settings = read_settings(home=home)
    with open_store(settings) as store:
        rows = [
            _imported(person, channel)
            for person in content["customer_360"]
            for channel in ("email", "sms")
            if person[f"{channel}_consent"] != "none"
        ]
        record_imports(store, read_addresses(settings, store), rows, AS_OF)


def _imported(person: dict[str, Any], channel: str) -> ImportedConsent:
    return ImportedConsent(
        customer_id=person["customer_id"],
        source="shopify",
        source_record_id=f"consent/{person['customer_id']}/{channel}",
        channel=channel,
        purpose="marketing",
        action="grant" if person[f"{channel}_consent"] == "granted" else "revoke",
        legal_basis="consent",
        occurred_at=AS_OF - timedelta(days=90),
        method="checkbox",
        wording="Yes, write to me",
        locale="en",
        address=person["email"] if channel == "email" else person["phone"],
    )


def tables() -> Tables:
    """Make the published tables of a company that sells lamps."""
    dice = random.Random(7)
    made: Tables = {"customer_360": [], "customer_timeline": [], "orders": [], "shipments": []}
    made |= {"identity_map": [], "customer_identifiers": [], "identity_golden": []}
    for number in range(PEOPLE):
        _person(number, dice, made)
    made["identity_alias"] = [_alias()]
    made |= _why(made["customer_360"])
    made["contract_results"] = [
        _result(name, dice) for name in ("purchases", "sms_messages", "chat_messages")
    ]
    made["release_info"] = [{"version": "20261030T060000", "as_of": AS_OF, "built_at": AS_OF}]
    return made


def customer_id(number: int) -> str:
    """Give the id of the company's nth customer."""
    return f"cus_{number:032x}"


def _person(number: int, dice: random.Random, made: Tables) -> None:
    given, family = GIVEN[number % 10], FAMILY[number // 10 % 10]
    orders = [_order(number, index, dice) for index in range(dice.choice((0, 1, 1, 2, 3, 5)))]
    touches = [_touch(number, index, dice) for index in range(dice.randint(1, 8))]
    made["orders"] += orders
    made["customer_timeline"] += touches + [_order_touch(order) for order in orders]
    made["shipments"] += [_shipment(order, dice) for order in orders]
    made["identity_map"].append(
        {
            "source": "shopify",
            "source_record_id": f"line/{number}",
            "customer_id": customer_id(number),
            "identifier_type": "external_id",
            "match_key": f"shopify:{number}",
        }
    )
    email, phone = f"{PLAIN[number % 10]}.{number}@example.com", f"+442079460{number:03d}"  # kept for fiction
    made["customer_identifiers"] += [_identifier(number, "email", email), _identifier(number, "phone", phone)]
    kept = {"given_name": given, "family_name": family, "email": email, "phone": phone, "country": "GB"}
    made["identity_golden"] += [_golden(number, attribute, value) for attribute, value in kept.items()]
    made["customer_360"].append(
        _facts(number, orders, dice)
        | {"given_name": given, "family_name": family, "display_name": f"{given} {family}"}
        | {"email": email, "phone": phone}
    )


def _facts(number: int, orders: list[dict[str, Any]], dice: random.Random) -> dict[str, Any]:
    last = max((order["ordered_at"] for order in orders), default=pd.NaT)
    first = min((order["ordered_at"] for order in orders), default=pd.NaT)
    spent = sum(order["net_amount_minor"] for order in orders)
    consents = [dice.choice(("granted", "granted", "revoked", "none")) for _ in range(2)]
    return {
        "customer_id": customer_id(number),
        "country": "GB",
        "language": "en",
        "time_zone": "Europe/London",
        "time_zone_source": "profile",
        "first_seen_at": AS_OF - timedelta(days=700),
        "last_seen_at": AS_OF - timedelta(days=number),
        "record_count": 3,
        "source_count": 2,
        "email_consent": consents[0],
        "sms_consent": consents[1],
        "email_reachable": consents[0] == "granted",
        "sms_reachable": consents[1] == "granted",
        "whatsapp_reachable": consents[1] == "granted" and number % 4 == 0,
        "preferred_channel": "sms",
        "preferred_channel_reason": "Answered 2 of our last 3 text messages",
        "first_order_at": first,
        "last_order_at": last,
        "days_since_last_order": (AS_OF - last).days if orders else None,
        "order_count": len(orders),
        "net_revenue_minor": spent,
        "refund_minor": 0,
        "average_order_minor": spent // len(orders) if orders else None,
        "favourite_category": "Lamps" if orders else None,
        "open_shipment_count": int(number % 3 == 2),
        "late_shipment_count": number % 2,
        "inbound_message_count": 2,
        "outbound_message_count": 1,
        "last_inbound_at": AS_OF - timedelta(days=3),
        "last_inbound_channel": "sms",
        "open_conversation_count": int(number % 5 == 4),
        "last_outreach_at": pd.NaT,
        "last_outreach_campaign": None,
        "last_outreach_state": None,
        "outreach_90d_count": 0,
        "lifecycle_stage": "active"
        if orders and (AS_OF - last).days < 180
        else "lapsed"
        if orders
        else "prospect",
    }


def _order(number: int, index: int, dice: random.Random) -> dict[str, Any]:
    return {
        "customer_id": customer_id(number),
        "order_id": f"shopify:{1000 + number}-{index}",
        "source": "shopify",
        "ordered_at": AS_OF - timedelta(days=dice.randint(1, 600), minutes=dice.randint(0, 900)),
        "status": "paid",
        "line_count": dice.randint(1, 4),
        "net_amount_minor": dice.randint(900, 32_000),
        "refund_minor": 0,
        "currency": "GBP",
    }


def _shipment(order: dict[str, Any], dice: random.Random) -> dict[str, Any]:
    return {
        "customer_id": order["customer_id"],
        "shipment_id": f"ship-{order['order_id']}",
        "order_id": order["order_id"],
        "source": "shopify",
        "status": dice.choice(("delivered", "delivered", "in_transit")),
        "carrier": "Royal Mail",
        "tracking_number": "RM123",
        "shipped_at": order["ordered_at"] + timedelta(days=1),
        "estimated_delivery_at": order["ordered_at"] + timedelta(days=3),
        "delivered_at": order["ordered_at"] + timedelta(days=4),
        "days_late": dice.choice((0, 0, 1)),
    }


def _touch(number: int, index: int, dice: random.Random) -> dict[str, Any]:
    channel = dice.choice(("email", "sms", "chat"))
    direction = dice.choice(("in", "out"))
    return {
        "customer_id": customer_id(number),
        "occurred_at": AS_OF - timedelta(days=dice.randint(0, 170), minutes=dice.randint(0, 900)),
        "touch_id": f"touch-{number}-{index}",
        "channel": channel,
        "origin_table": f"{channel}_messages",
        "direction": direction,
        "kind": channel,
        "title": "Wrote to us" if direction == "in" else "We wrote",
        "body": dice.choice(TEXTS),
        "source": "twilio",
        "source_record_id": f"message/{number}-{index}",
        "campaign": None,
        "state": "received" if direction == "in" else "delivered",
        "amount_minor": None,
    }


def _order_touch(order: dict[str, Any]) -> dict[str, Any]:
    return {
        "customer_id": order["customer_id"],
        "occurred_at": order["ordered_at"],
        "touch_id": f"order-{order['order_id']}",
        "channel": "shop",
        "origin_table": "purchases",
        "direction": "in",
        "kind": "order",
        "title": f"Order {order['order_id']}",
        "body": None,
        "source": "shopify",
        "source_record_id": f"line/{order['order_id']}",
        "campaign": None,
        "state": "paid",
        "amount_minor": order["net_amount_minor"],
    }


def _identifier(number: int, kind: str, value: str) -> dict[str, Any]:
    held = {"customer_id": customer_id(number), "identifier_type": kind, "value": value, "source_count": 2}
    return held | {"first_seen_at": AS_OF, "last_seen_at": AS_OF, "is_best": True}


def _golden(number: int, attribute: str, value: str) -> dict[str, Any]:
    won = {"customer_id": customer_id(number), "attribute": attribute, "value": value, "source": "shopify"}
    record = {"source_record_id": f"contact/{number}", "occurred_at": AS_OF - timedelta(days=30)}
    contested = attribute == "email"
    decided = {"rule": "stated", "candidates": 3} if contested else {"rule": "only value", "candidates": 1}
    return won | record | decided


def _why(people: list[dict[str, Any]]) -> Tables:
    """Make the evidence of the first person: two ties, a likeness, one refused, one under review, a merge."""
    first, second, third = (person["customer_id"] for person in people[:3])
    account, mail = ("external_id", "shopify:1042"), ("email", people[0]["email"])
    weights = [
        {
            "name": "birth_date",
            "label": "Exact match",
            "weight": 10.5,
            "left": "1990-01-02",
            "right": "1990-01-02",
        },
        {"name": "given_name", "label": "Alike", "weight": 9.4, "left": "ada", "right": "adah"},
        {"name": "postcode", "label": "Different", "weight": -0.5, "left": "N1 1AA", "right": "E2 9XX"},
    ]
    alike = {"prior_weight": -13.2, "comparisons": weights}
    likeness, close = (json.dumps(alike | {"probability": each}) for each in (0.987, 0.61))
    limit = json.dumps({"type": "external_id", "source": "shopify", "allowed": 1, "would_be": 2})
    tie = {"customer_id": first, "kind": "deterministic", "source": "shopify", "source_record_id": "line/1",
           "origin_table": "purchases", "other_source": None, "other_record_id": None, "records": 1,
           "first_seen_at": AS_OF, "last_seen_at": AS_OF, "weight": None, "detail": None}  # fmt: skip
    looks = {"kind": "probabilistic", "other_source": "web", "other_record_id": "form/7", "weight": 6.2,
             "detail": likeness}  # fmt: skip
    phone = ("phone", people[0]["phone"] or "+442079460999")
    refused = tie | _sides(account, phone) | {"other_customer_id": second, "rule": "limit", "detail": limit}
    review = {"review_id": "rev_1", "customer_id": first, "other_customer_id": third, "source": "crm",
              "source_record_id": "contact/3", "probability": 0.61, **looks}  # fmt: skip
    review |= {"detail": close, "weight": 0.6}
    review.pop("kind")
    line = {"at": AS_OF, "build_id": "bld_1", "records": 2, "detail": None, "cause": "evidence"}
    return {
        "identity_evidence": [
            tie | _sides(account, mail),
            tie | _sides(mail, phone) | {"source": "chat", "origin_table": "chat_messages", "records": 4},
            tie | _sides(mail, ("record", "web/form/7")) | looks,
        ],
        "identity_refused": [refused],
        "identity_review": [review],
        "identity_journal": [line | {"kind": "merged", "customer_id": first, "other_customer_id": "cus_old"}],
    }


def _sides(one: tuple[str, str], other: tuple[str, str]) -> dict[str, str]:
    return {"identifier_type": one[0], "match_key": one[1], "other_type": other[0], "other_key": other[1]}


def _alias() -> dict[str, Any]:
    return {"old_customer_id": "cus_old", "customer_id": customer_id(0), "at": AS_OF, "reason": "merge"}


def _result(name: str, dice: random.Random) -> dict[str, Any]:
    failed = dice.randint(0, 9)
    verdict = {"table_name": name, "state": "amber" if failed else "green", "rows_checked": 5000}
    verdict |= {"rows_quarantined": failed, "rule": "email_pattern", "failed": failed}
    return verdict | {"severity": "warning", "checked_at": AS_OF}
