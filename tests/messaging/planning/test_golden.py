"""Where the details of a customer come from, as the release tells it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import duckdb
import pytest

from data_contracts.errors import NotFoundError
from messaging.customers import Customers
from messaging.customers.golden import GoldenValue
from messaging.settings import Settings

Publish = Callable[..., str]
MakePerson = Callable[..., dict[str, Any]]


def won(person: dict[str, Any], attribute: str, value: str, **more: Any) -> dict[str, Any]:
    row = {"customer_id": person["customer_id"], "attribute": attribute, "value": value, "source": "shopify"}
    row |= {"source_record_id": "contact/7", "occurred_at": datetime(2026, 5, 3), "rule": "only value"}
    return row | {"candidates": 1} | more


def test_each_detail_says_its_record_and_they_come_as_people_say_them(
    customers: Customers, publish: Publish, make_person: MakePerson
) -> None:
    ada, other = make_person(1), make_person(2)
    publish(
        customer_360=[ada, other],
        identity_golden=[
            won(ada, "time_zone", "Europe/London"),
            won(ada, "email", "ada@example.com", rule="recency", candidates=3, source_record_id="line/#1/2"),
            won(ada, "given_name", "Ada"),
            won(other, "given_name", "Eve"),
        ],
        identity_alias=[{"old_customer_id": "cus_old", "customer_id": ada["customer_id"]}],
    )
    golden = customers.golden("cus_old")
    assert [each.attribute for each in golden] == ["given_name", "email", "time_zone"]
    assert [each.record for each in golden] == [
        "the shopify contact record", "the shopify order", "the shopify contact record"
    ]  # fmt: skip
    assert (golden[1].candidates, golden[1].reason) == (3, "this one is the newest")


def test_whoever_is_unknown_is_told_so(
    customers: Customers, publish: Publish, make_person: MakePerson
) -> None:
    publish(customer_360=[make_person(1)])
    with pytest.raises(NotFoundError):
        customers.golden("cus_nobody")


def test_a_release_from_before_it_was_kept_has_nothing_to_tell(
    settings: Settings, customers: Customers, publish: Publish, make_person: MakePerson
) -> None:
    ada = make_person(1)
    publish(customer_360=[ada])
    with duckdb.connect(str(settings.releases_dir / customers.reader.info().file)) as connection:
        connection.execute("DROP TABLE identity_golden")
    assert customers.golden(ada["customer_id"]) == ()


def test_a_record_of_an_unknown_kind_is_a_record() -> None:
    value = GoldenValue("email", "a@b.example", "help_desk", "x1", datetime(2026, 5, 3), "recency", 1)
    assert value.record == "the help desk record"
