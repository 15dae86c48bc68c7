"""Where what we know of a person comes from, how far it agrees, and how fresh it is: a company worked out by hand."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from pipelines.landing.results import RuleResult
from pipelines.publishing.notes import release_notes
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.records import ContractState, write_contract_results

if TYPE_CHECKING:
    from conftest import Company

AS_OF = "2026-10-30 12:00:00"


def contact(source: str, number: int, email: str, **said: Any) -> dict[str, Any]:
    return {
        "source": source,
        "source_record_id": f"contact/{number}",
        "occurred_at": f"2026-10-{number:02d} 10:00:00",
        "email": email,
        **said,
    }


def order(day: int, source: str = "shop", email: str = "ann@x.example") -> dict[str, Any]:
    return {
        "source": source,
        "source_record_id": f"line/{day}",
        "occurred_at": f"2026-10-{day:02d} 10:00:00",
        "order_id": str(day),
        "line_kind": "sale",
        "product_id": "mug",
        "quantity": 1,
        "net_amount_minor": 100,
        "unit_price_minor": 100,
        "currency": "GBP",
        "email": email,
    }


@pytest.fixture(scope="module")
def company(found_company: Callable[[str], "Company"]) -> "Company":
    found = found_company("provenance")
    found.land(
        {
            "contacts": [
                contact("crm", 1, "ann@x.example", country="GB", language="en", time_zone="Mars/Base"),
                contact("desk", 2, "ann@x.example", country="DE", language="en"),
                contact("crm", 3, "bea@x.example", country="GB", time_zone="Europe/Rome"),
            ],
            # regular until the 22nd; once a month; to this day
            "purchases": [order(day) for day in (10, 15, 22)]
            + [order(1, "fair")]
            + [order(day, "closed") | {"occurred_at": f"2026-05-{day:02d} 10:00:00"} for day in (11, 12, 13)]
            + [order(day, "till", "bea@x.example") for day in (26, 28, 30)],
        }
    )
    found.build(AS_OF)
    return found


def people(company: "Company", *columns: str) -> dict[str, tuple[Any, ...]]:
    rows = company.rows(f"SELECT email, {', '.join(columns)} FROM marts.customer_360")
    return {str(row["email"])[:3]: tuple(row[column] for column in columns) for row in rows}


def test_the_systems_that_know_a_person_are_named_once_each(company: "Company") -> None:
    assert people(company, "sources", "source_count") == {
        "ann": ("closed, crm, desk, fair, shop", 5),
        "bea": ("crm, till", 2),
    }


def test_facts_of_which_records_say_different_things_are_counted(company: "Company") -> None:
    assert people(company, "conflict_count") == {"ann": (1,), "bea": (0,)}  # Ann lives in two countries


def test_whoever_is_tied_by_the_same_address_is_surely_one_person(company: "Company") -> None:
    assert people(company, "identity_confidence") == {"ann": ("certain",), "bea": ("certain",)}


def test_a_time_zone_that_does_not_exist_is_left_out_for_that_of_the_country(company: "Company") -> None:
    assert people(company, "time_zone", "time_zone_source") == {
        "ann": ("Europe/Berlin", "country"),
        "bea": ("Europe/Rome", "stated"),
    }


def test_only_a_source_that_used_to_come_regularly_falls_silent(company: "Company") -> None:
    found = company.rows(
        "SELECT source, silent_days, active_days, state FROM marts.source_freshness WHERE table_name = 'purchases'"
    )
    assert {row["source"]: (row["silent_days"], row["active_days"], row["state"]) for row in found} == {
        "shop": (8, 3, "silent"),
        "fair": (29, 1, "irregular"),
        "closed": (170, 3, "retired"),
        "till": (0, 3, "fresh"),
    }


def test_scores_are_stale_while_a_shop_is_silent_and_the_release_says_why(company: "Company") -> None:
    assert people(company, "score_freshness") == {"ann": ("stale",), "bea": ("stale",)}
    with open_warehouse(company.build_path, read_only=True) as connection:
        notes = list(release_notes(connection))
    assert notes[:4] == [
        "shop has brought no purchases for 8 days, since 22 October 2026; it used to bring some every few days.",
        "closed has brought no purchases since 13 May 2026 while others did: it counts as retired, and no score waits for it.",
        "The scores of purchases are stale: they tell of the time before.",
        "Contact records of crm name a time zone that does not exist (1 of them); it was left out, and the country's is taken where there is one.",
    ]


def test_the_release_says_how_much_waits_for_its_time_to_come(company: "Company") -> None:
    ahead, other = (
        RuleResult(rule, "", "", "critical", 0.05, 100, 3, 3, "set_aside")
        for rule in ("not_a_day_ahead", "quantity_range")
    )
    with open_warehouse(company.build_path) as connection:
        judged = ContractState("purchases", 100, 6, (ahead, other), datetime.fromisoformat(AS_OF))
        write_contract_results(connection, [judged])
        notes = list(release_notes(connection))
    (told,) = (note for note in notes if "later than they came" in note)
    assert told == (
        "Records of purchases are dated later than they came (3 of them); they wait in the quarantine, and count nowhere"
        " until their time has come and they are replayed."
    )
