"""What is masked before a page gets it."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from data_contracts.contracts import published_contract
from messaging.access import HIDDEN, ROLES, Person, Role, sight
from messaging.customers import CustomerHit, GoldenValue, OpenConversation, TimelineEntry
from messaging.desk import masking
from messaging.planner import ShownMessage
from messaging.planner.evidence import Fact, Step, Why

NOON = datetime.fromisoformat("2026-11-23T12:00")
SECRETS = ("Inés", "Lovelace", "ines@example.com", "0005", "Call me at home")


def entry(**changed: Any) -> TimelineEntry:
    facts: dict[str, Any] = {
        "occurred_at": NOON,
        "touch_id": "t1",
        "channel": "email",
        "origin_table": "messages",
        "direction": "in",
        "kind": "email",
        "title": "Call me at home, says Inés",
        "body": "Call me at home",
        "source": "mail",
        "source_record_id": "message/1",
    }
    return TimelineEntry(**(facts | changed))


def told(seen: object) -> bool:
    return any(secret in str(seen) for secret in SECRETS)


@pytest.mark.parametrize("role", ROLES)
def test_a_hit_of_a_search_is_masked_by_role(role: Role) -> None:
    hit = CustomerHit(
        "cus_1", "Inés Lovelace", "ines@example.com", "+442079460005", "GB", "new", NOON, 0, "name", 0.8
    )
    seen = masking.hit(hit, sight(Person("usr_1", "Grace", frozenset({role}))))
    assert (seen == hit) == (role in {"agent", "privacy", "admin"})
    assert told(seen) == (role in {"agent", "privacy", "admin", "marketer"})
    assert "0005" not in str(seen) or role != "marketer"


@pytest.mark.parametrize("role", ROLES)
def test_what_was_written_is_hidden_from_those_who_see_no_names(role: Role) -> None:
    seen = masking.entry(entry(), sight(Person("usr_1", "Grace", frozenset({role}))))
    assert told(seen) == (role not in {"engineer", "viewer"})
    said = OpenConversation(
        "c1", NOON, NOON, "sms", 1, 0, NOON, None, False, None, None, words="Call me at home"
    )
    assert told(masking.conversation(said, sight(Person("u", "G", frozenset({role}))))) == (
        role not in {"engineer", "viewer"}
    )


def test_what_no_person_wrote_stays() -> None:
    viewer = sight(Person("usr_1", "Grace", frozenset({"viewer"})))
    order = entry(kind="order", title="Order #4820", body=None, channel="order", direction="none")
    assert masking.entry(order, viewer) == order


@pytest.mark.parametrize(
    ("attribute", "value", "shown"),
    [
        ("given_name", "Inés", "I."),
        ("email", "ines@example.com", "i•••@•••.com"),
        ("birth_date", "1990-01-01", "•••"),
        ("street", "1 Lovelace Road", "•••"),
        ("country", "GB", "GB"),
    ],
)
def test_a_detail_is_masked_by_what_it_is(attribute: str, value: str, shown: str) -> None:
    viewer = sight(Person("usr_1", "Grace", frozenset({"viewer"})))
    detail = GoldenValue(attribute, value, "shop", "contact/1", NOON, "only value", 1)
    assert masking.golden(detail, viewer).value == shown


def test_a_persons_values_among_the_reasons_of_a_message_are_masked() -> None:
    facts = (Fact("E-mail", "ines@example.com", "release 1"), Fact("Orders", "3", "release 1"))
    seen = masking.why(
        Why("msg_1", "cus_1", (), (Step("Why they", facts),)),
        sight(Person("u", "G", frozenset({"engineer"}))),
    )
    assert [fact.value for fact in seen.steps[0].facts] == ["i•••@•••.com", "3"]


@pytest.mark.parametrize("role", ROLES)
def test_whoever_sees_no_addresses_sees_none_in_the_place_of_a_name(role: Role) -> None:
    seen = masking.message(
        ShownMessage("m", "c", "ines@example.com", "sms", "en", None, "Hello", None, 1),
        sight(Person("u", "G", frozenset({role}))),
    )
    assert told(seen) == (role in {"agent", "privacy", "admin"})


def test_what_is_sensitive_of_a_customer_is_hidden_from_those_who_see_no_addresses() -> None:
    plain = published_contract("customer_360")
    first, *others = plain.columns
    contract = replace(plain, columns=(replace(first, name="faith", classification="sensitive"), *others))
    row = {"faith": 3, "email": "ines@example.com", "display_name": "+442079460005", "order_count": 2}
    marketer, agent = (sight(Person("u", "G", frozenset({role}))) for role in ("marketer", "agent"))
    seen = masking.facts(row, marketer, contract)
    assert seen["faith"] == HIDDEN
    assert seen["order_count"] == 2
    assert not told(seen)
    assert masking.facts(row, marketer, contract, hidden=None)["faith"] is None
    assert masking.facts(row, agent, contract) == row
