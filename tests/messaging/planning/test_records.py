"""Whoever names a customer, an address, an order or a record is told which records that means."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pytest

from data_contracts.errors import NotFoundError, RefusedError, ReleaseError
from messaging.customers.records import Carrier, Key, by_words, choose, known_records, pair_of
from messaging.identity_decisions import Record
from messaging.release import ReleaseReader, Snapshot
from messaging.settings import Settings

Publish = Callable[..., str]
DAY = datetime.fromisoformat("2026-10-01")


def carrier(name: str, kind: str = "email", key: str = "ann@x.example", **values: Any) -> Carrier:
    return Carrier(Record("crm", name), "cus_1", Key(kind, key), **values)


def test_the_records_of_an_address_are_those_that_hang_by_it_what_carries_nothing_else_first() -> None:
    tied, alone = carrier("contact/1", is_tied=True), carrier("contact/2")
    elsewhere = carrier("contact/3", "external_id", "crm:3", is_tied=True)
    keys = {Key("email", "ann@x.example")}
    assert by_words([tied, alone, elsewhere], keys, {elsewhere.record}) == [alone, tied]


def test_where_no_record_hangs_by_an_address_it_is_those_of_which_evidence_shows_it() -> None:
    shown, other = carrier("contact/3", "external_id", "crm:3"), carrier("contact/4", "external_id", "crm:4")
    assert by_words([other, shown], {Key("email", "ann@x.example")}, {shown.record}) == [shown]


def test_a_pair_hangs_by_different_anchors_where_it_can_and_is_never_one_record_twice() -> None:
    one, same_anchor, other_anchor = carrier("1"), carrier("2"), carrier("3", "phone", "+441")
    assert pair_of([one], [one, same_anchor, other_anchor]) == (one, other_anchor)
    assert pair_of([one], [one, same_anchor]) == (one, same_anchor)
    with pytest.raises(
        RefusedError, match="Both lead to the record crm/1, which cannot be parted from itself"
    ):
        pair_of([one], [one])


ANN, ANNA, BOB = "cus_a", "cus_b", "cus_c"
MAP = [
    (ANN, "shopify", "contact/1", "external_id", "shopify:1"),
    (ANN, "mail", "message/1", "email", "annlee@gmail.com"),
    (ANN, "mail", "message/2", "email", "annlee@gmail.com"),
    (ANN, "twilio", "message/9", "phone", "+447700900001"),
    (ANN, "shopify", "line/#1001/1", "external_id", "shopify:1"),
    (ANNA, "crm", "contact/7", "external_id", "crm:7"),
    (BOB, "crm", "contact/8", "external_id", "crm:8"),
]


@contextmanager
def snapshot_of(settings: Settings) -> Iterator[Snapshot]:
    reader = ReleaseReader(settings.releases_dir)
    try:
        with reader.snapshot() as snapshot:
            yield snapshot
    finally:
        reader.close()


@pytest.fixture
def snapshot(
    settings: Settings, publish: Publish, make_person: Callable[..., dict[str, Any]]
) -> Iterator[Snapshot]:
    columns = ("customer_id", "source", "source_record_id", "identifier_type", "match_key")
    publish(
        customer_360=[make_person(number, customer_id=each) for number, each in enumerate((ANN, ANNA, BOB))],
        identity_map=[dict(zip(columns, row, strict=True)) for row in MAP],
        identity_alias=[{"old_customer_id": "cus_old", "customer_id": ANN}],
        customer_identifiers=[
            {"customer_id": ANN, "identifier_type": "email", "value": "ann.lee+shop@googlemail.com"},
            {"customer_id": ANN, "identifier_type": "phone", "value": "+447700900001"},
            {"customer_id": ANN, "identifier_type": "external_id", "value": "shopify:1"},
            {"customer_id": ANNA, "identifier_type": "email", "value": "anna@x.example"},
            {"customer_id": ANNA, "identifier_type": "phone", "value": "+447700900002"},
            {"customer_id": BOB, "identifier_type": "phone", "value": "+447700900002"},
            {"customer_id": BOB, "identifier_type": "phone", "value": "+447700900003"},
        ],
        customer_timeline=[
            touch(ANN, "mail", "message/1", 2),
            touch(ANN, "mail", "message/2", 1),
            touch(ANN, "shopify", "contact/1", 5),
        ],
        order_lines=[order_line("#1001", ANN, "line/#1001/1", 3)],
        identity_evidence=[
            evidence(ANN, ("external_id", "shopify:1"), ("email", "annlee@gmail.com"), "shopify", "contact/1"),
            evidence(ANNA, ("external_id", "crm:7"), ("email", "anna@x.example"), "crm", "contact/7"),
            evidence(ANNA, ("external_id", "crm:7"), ("phone", "+447700900002"), "crm", "contact/7"),
            evidence(BOB, ("external_id", "crm:8"), ("phone", "+447700900002"), "crm", "contact/8"),
        ],
        identity_refused=[
            evidence(BOB, ("external_id", "crm:8"), ("phone", "+447700900003"), "crm", "contact/8")
            | {"rule": "blocked"}
        ],
    )  # fmt: skip
    with snapshot_of(settings) as opened:
        yield opened


def touch(customer_id: str, source: str, record: str, day: int) -> dict[str, Any]:
    seen = DAY + timedelta(days=day)
    return {"customer_id": customer_id, "source": source, "source_record_id": record, "occurred_at": seen}


def order_line(order_id: str, customer_id: str, record: str, day: int) -> dict[str, Any]:
    return touch(customer_id, "shopify", record, day) | {"order_id": order_id}


def evidence(
    customer_id: str, key: tuple[str, str], other: tuple[str, str], source: str, record: str
) -> dict[str, Any]:
    return {
        "customer_id": customer_id,
        "kind": "deterministic",
        "identifier_type": key[0],
        "match_key": key[1],
        "other_type": other[0],
        "other_key": other[1],
        "source": source,
        "source_record_id": record,
    }


def names(pair: tuple[Carrier, Carrier]) -> tuple[str, str]:
    return str(pair[0].record), str(pair[1].record)


@pytest.mark.parametrize(
    ("words", "record"),
    [
        ("shopify/line/#1001/1", "shopify/line/#1001/1"),
        ("cus_a", "shopify/line/#1001/1"),  # hangs by the shop's number, and is older than the contact
        ("cus_old", "shopify/line/#1001/1"),
        ("#1001", "shopify/line/#1001/1"),
        ("1001", "shopify/line/#1001/1"),
        ("Ann.Lee@googlemail.com", "mail/message/2"),  # the older of two that hang by it
        ("annlee@gmail.com", "mail/message/2"),  # as it is compared
        ("07700 900001", "twilio/message/9"),
        ("shopify:1", "shopify/line/#1001/1"),
    ],
)
def test_words_lead_to_the_record_that_stands_for_them(snapshot: Snapshot, words: str, record: str) -> None:
    assert names(choose(snapshot, "merge", words, "cus_b")) == (record, "crm/contact/7")


def test_an_address_that_only_stands_beside_others_leads_to_the_record_that_shows_it(
    snapshot: Snapshot,
) -> None:
    assert names(choose(snapshot, "merge", "anna@x.example", "cus_a"))[0] == "crm/contact/7"


def test_a_number_that_proves_nothing_still_leads_to_the_record_that_carries_it(snapshot: Snapshot) -> None:
    assert names(choose(snapshot, "merge", "07700 900003", "cus_a"))[0] == "crm/contact/8"


@pytest.mark.parametrize(
    ("one", "other", "records"),
    [
        ("ann.lee@googlemail.com", "+447700900001", ("mail/message/2", "twilio/message/9")),
        ("mail/message/1", "shopify/contact/1", ("mail/message/1", "shopify/contact/1")),
        ("cus_a", "twilio/message/9", ("shopify/line/#1001/1", "twilio/message/9")),
        ("cus_a", "cus_b", ("shopify/line/#1001/1", "crm/contact/7")),
    ],
)
def test_a_split_is_of_two_records_that_hang_apart(
    snapshot: Snapshot, one: str, other: str, records: tuple[str, str]
) -> None:
    assert names(choose(snapshot, "split", one, other)) == records


def test_a_shared_number_is_read_as_that_of_the_customer_whom_the_other_words_name(
    snapshot: Snapshot,
) -> None:
    with pytest.raises(RefusedError, match="Both lead to the record crm/contact/8"):
        choose(snapshot, "split", "+447700900002", "crm/contact/8")


def test_a_number_that_several_customers_have_is_refused_with_their_ids(snapshot: Snapshot) -> None:
    with pytest.raises(
        RefusedError, match="The first of the two leads to 2 customers: cus_b, cus_c"
    ) as refused:
        choose(snapshot, "merge", "+447700900002", "cus_a")
    assert "7700" not in str(refused.value)


@pytest.mark.parametrize("nobody", ["zoe@x.example", "crm/contact/99", "cus_nobody", "#9", "", "/", "%"])
def test_words_that_lead_to_nobody_are_refused_without_being_repeated(
    snapshot: Snapshot, nobody: str
) -> None:
    with pytest.raises(NotFoundError, match="The second of the two names nobody") as refused:
        choose(snapshot, "merge", "cus_a", nobody)
    assert "zoe" not in str(refused.value)


def test_only_records_that_the_release_has_are_known(snapshot: Snapshot) -> None:
    asked = {Record("crm", "contact/7"), Record("crm", "contact/99"), Record("mail", "contact/7")}
    assert known_records(snapshot, asked) == {Record("crm", "contact/7")}
    assert known_records(snapshot, []) == frozenset()


@pytest.mark.parametrize(
    ("change", "lacks"),
    [
        ("ALTER TABLE identity_map DROP COLUMN match_key", "identity_map.match_key"),
        ("DROP TABLE identity_evidence", "identity_evidence"),
        ("DROP TABLE identity_refused", "identity_refused"),
    ],
)
def test_a_release_that_is_too_old_says_so(
    settings: Settings, publish: Publish, change: str, lacks: str
) -> None:
    version = publish()
    with duckdb.connect(str(settings.releases_dir / f"c360-{version}.duckdb")) as connection:
        connection.execute(change)
    with snapshot_of(settings) as snapshot, pytest.raises(ReleaseError) as refused:
        choose(snapshot, "merge", "cus_a", "cus_b")
    assert f"was published without {lacks}, by an older version of Rapport. Run `rapport build`" in str(
        refused.value
    )
