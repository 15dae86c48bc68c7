"""Who may do what, and who sees whom."""

from datetime import datetime

import pytest

from data_contracts.errors import RefusedError, UsageError
from messaging import access, api_keys, audit
from messaging.access import ROLES, RULES, Person, Role, may, parse_roles, require, sight
from messaging.store import Store

NOON = datetime.fromisoformat("2026-11-23T12:00")
NAME, EMAIL, PHONE = "Anna Lovelace-Byron", "anna@lovelace.family", "+49 170 1234567"


def person(*roles: Role) -> Person:
    return Person("usr_1", "Grace", frozenset(roles))


def test_a_viewer_may_look_and_change_nothing() -> None:
    allowed = {action for action in RULES if may(person("viewer"), action)}
    assert allowed == {
        "figures.look",
        "template.look",
        "feedback.look",
        "campaign.look",
        "customer.search",
        "customer.look",
        "segment.look",
        "demo.clock",
    }


def test_an_admin_may_do_everything_that_has_a_rule() -> None:
    assert all(may(person("admin"), action) for action in RULES)


@pytest.mark.parametrize("role", [role for role in ROLES if role not in {"admin", "marketer"}])
def test_only_marketers_and_admins_plan_approve_and_launch(role: Role) -> None:
    for action in ("campaign.plan", "campaign.approve", "campaign.approve_standing", "campaign.launch"):
        assert not may(person(role), action)
        assert may(person(role, "marketer"), action)


def test_whoever_sees_harm_may_pause_but_only_those_who_launch_let_it_go_on() -> None:
    assert [role for role in ROLES if not may(person(role), "campaign.pause")] == ["viewer"]
    assert [role for role in ROLES if may(person(role), "campaign.resume")] == ["marketer", "admin"]


def test_who_may_not_is_told_who_may_and_whom_to_ask() -> None:
    with pytest.raises(RefusedError) as refused:
        require(person("engineer", "agent"), "campaign.launch")
    assert refused.value.message == (
        "An agent and engineer may not launch a campaign: that is for marketers and admins."
    )
    assert "admin" in refused.value.mend


def test_somebody_without_a_role_may_nothing_and_is_told_so() -> None:
    assert not any(may(person(), action) for action in RULES)
    with pytest.raises(RefusedError, match="Somebody without a role may not look at a customer"):
        require(person(), "customer.look")


def test_an_action_without_a_rule_is_refused_to_admins_too() -> None:
    with pytest.raises(RefusedError, match=r"No rule says who may do 'customer\.sell'"):
        require(person("admin"), "customer.sell")


def test_a_role_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    assert parse_roles(["agent", "viewer"]) == {"agent", "viewer"}
    with pytest.raises(UsageError, match=r"'root' is no role.*marketer, agent"):
        parse_roles(["agent", "root"])
    with pytest.raises(UsageError, match="No role was named"):
        parse_roles([])


@pytest.mark.parametrize("role", ["agent", "privacy", "admin"])
def test_who_deals_with_one_customer_sees_who_it_is_and_how_to_reach_them(role: Role) -> None:
    seen = sight(person(role))
    assert (seen.name(NAME), seen.email(EMAIL), seen.phone(PHONE)) == (NAME, EMAIL, PHONE)
    assert seen.text("call me") == "call me"
    assert seen.identifier("device", "d-77") == "d-77"


def test_a_marketer_sees_names_and_what_was_written_but_no_address() -> None:
    seen = sight(person("marketer"))
    assert (seen.name(NAME), seen.email(EMAIL), seen.phone(PHONE)) == (NAME, "a•••@•••.family", "••• 67")
    assert seen.text("call me") == "call me"


@pytest.mark.parametrize("roles", [("viewer",), ("engineer",), ("viewer", "engineer"), ()])
def test_viewers_engineers_and_who_has_no_role_see_nobody(roles: tuple[Role, ...]) -> None:
    seen = sight(person(*roles))
    assert (seen.name(NAME), seen.email(EMAIL), seen.phone(PHONE)) == ("A. L.", "a•••@•••.family", "••• 67")
    assert seen.text("I am Anna, 0170 1234567") == "•••"
    assert seen.identifier("external_id", "C-1001") == "•••"
    assert seen.identifier("phone", PHONE) == "••• 67"


def test_two_roles_see_what_either_of_them_sees() -> None:
    assert sight(person("viewer", "agent")) == sight(person("agent"))


@pytest.mark.parametrize(
    "value", ["anna", "@x.de", "anna@localhost", "\u202ea@x.de", "a@x.<b>", "4711@", "   "]
)
def test_what_is_no_address_is_hidden_whole(value: str) -> None:
    assert sight(person("viewer")).email(value) == "•••"


@pytest.mark.parametrize("value", ["110", "12-34-56", "anna"])
def test_of_a_short_number_not_even_two_digits_are_told(value: str) -> None:
    assert sight(person("viewer")).phone(value) == "•••"


def test_initials_are_letters_whatever_a_name_holds() -> None:
    seen = sight(person("viewer"))
    assert seen.name("\u202eanna <script> 陳 4") == "A. S. 陳."
    assert seen.name("=1+1 ***") == "•••"


def test_what_is_missing_stays_missing() -> None:
    seen = sight(person("viewer"))
    assert (seen.name(None), seen.email(""), seen.phone(None), seen.text(None)) == (None, "", None, None)


@pytest.mark.parametrize("role", ROLES)
def test_nothing_is_recorded_of_somebody_at_a_page_that_they_may_not_do(
    store: Store, monkeypatch: pytest.MonkeyPatch, role: Role
) -> None:
    monkeypatch.setattr(access._process, "who_acts", lambda _: person(role))
    words = {word: name for name, rule in RULES.items() for word in (name, *rule.audited)}
    for word in words:
        ways = [name for name, rule in RULES.items() if word in rule.audited] or [word]
        with store.write() as connection:
            try:
                audit.record(connection, "Grace", word, at=NOON)
            except RefusedError:
                assert not any(may(person(role), name) for name in ways), word
            else:
                assert any(may(person(role), name) for name in ways), word


def test_a_refused_action_is_undone_with_all_that_its_transaction_did(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access._process, "who_acts", lambda _: person("viewer"))
    with pytest.raises(RefusedError, match="A viewer may not make a key"), store.write() as connection:
        api_keys.create(connection, "web-shop", "Grace", NOON)
    with store.read() as connection:
        assert api_keys.list_keys(connection) == []


def test_work_that_nobody_at_a_page_began_is_recorded_as_ever(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access._process, "who_acts", lambda _: None)
    with store.write() as connection:
        api_keys.create(connection, "web-shop", "rapport", NOON)
    with store.read() as connection:
        assert len(api_keys.list_keys(connection)) == 1
