"""The gate: what forbids a message, in which order, and in which words."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from messaging.consent_words import ConsentState
from messaging.policy import WAITING, Allowed, Blocked, FrequencyCap, SendFacts, decide
from messaging.quiet_hours import Place, read_quiet_rules

RULES = read_quiet_rules()
NOON = datetime.fromisoformat("2026-10-30T12:00")
NIGHT = datetime.fromisoformat("2026-10-30T23:30")
GRANTED = ConsentState(
    granted=True,
    event_id="con_1",
    occurred_at=NOON - timedelta(days=9),
    legal_basis="consent",
    source="form",
    method="form",
)
REVOKED = replace(GRANTED, granted=False, occurred_at=datetime.fromisoformat("2026-05-03T08:00"))
FINE = SendFacts(
    channel="sms",
    message_class="marketing",
    now=NOON,
    address="+442079460000",
    consent=GRANTED,
    zones=("Europe/London",),
    places=(Place("GB"),),
    cap=FrequencyCap(2, 7),
)
SENT_TWICE = (NOON - timedelta(days=6), NOON - timedelta(days=1))


def _judge(**changes: Any) -> Allowed | Blocked:
    return decide(replace(FINE, **changes), RULES)


def test_with_consent_by_day_and_not_too_often_a_message_may_go() -> None:
    assert _judge() == Allowed()


@pytest.mark.parametrize(
    ("changes", "reason", "sentence"),
    [
        (
            {"address": None, "address_given": False},
            "no_address",
            "We have no phone number for this customer.",
        ),
        (
            {"address": None, "channel": "email"},
            "invalid_address",
            "The e-mail address that we have for this customer cannot exist.",
        ),
        (
            {"suppression": "stop"},
            "suppressed",
            "This phone number answered STOP, so nothing goes to it any more.",
        ),
        (
            {"suppression": "bounce", "channel": "email"},
            "suppressed",
            "Messages to this e-mail address came back: nobody is there.",
        ),
        (
            {"consent": REVOKED},
            "opted_out",
            "This customer opted out of marketing by SMS on 3 May 2026.",
        ),
        (
            {"consent": None, "channel": "email"},
            "no_consent",
            "This customer has not agreed to marketing by e-mail.",
        ),
        (
            {"red_contracts": ("contacts", "purchases")},
            "contract_red",
            "The data of contacts, purchases failed its checks; marketing waits until it passes.",
        ),
        (
            {"sent_at": SENT_TWICE},
            "frequency_cap",
            "This customer has had 2 marketing messages by SMS in 7 days; our limit is 2.",
        ),
        (
            {"zones": ()},
            "unknown_time_zone",
            "We cannot tell where this phone is, so we cannot tell whether it is night there.",
        ),
        (
            {"now": NIGHT},
            "quiet_hours",
            "It is 23:30 in Europe/London; marketing may arrive from Saturday 09:00.",
        ),
        (
            {"zones": ("America/New_York", "Europe/London")},
            "quiet_hours",
            "It is 08:00 in America/New_York; marketing may arrive from 09:00.",
        ),
    ],
)
def test_what_forbids_a_message_is_told_to_a_marketer(
    changes: dict[str, Any], reason: str, sentence: str
) -> None:
    verdict = _judge(**changes)
    assert isinstance(verdict, Blocked)
    assert (verdict.reason, verdict.sentence) == (reason, sentence)


FORBIDDEN: list[dict[str, Any]] = [
    {"address": None},
    {"suppression": "stop"},
    {"consent": REVOKED},
    {"red_contracts": ("purchases",)},
    {"sent_at": SENT_TWICE},
    {"now": NIGHT},
]


@pytest.mark.parametrize("count", range(1, len(FORBIDDEN) + 1))
def test_of_several_reasons_the_first_that_will_stay_is_shown(count: int) -> None:
    order = ["invalid_address", "suppressed", "opted_out", "contract_red", "frequency_cap", "quiet_hours"]
    changes: dict[str, Any] = {}
    for one in FORBIDDEN[len(FORBIDDEN) - count :]:
        changes |= one
    verdict = _judge(**changes)
    assert isinstance(verdict, Blocked)
    assert verdict.reason == order[len(order) - count]


@pytest.mark.parametrize("message_class", ["transactional", "conversational"])
@pytest.mark.parametrize("changes", FORBIDDEN[2:])
def test_a_receipt_or_an_answer_needs_no_marketing_consent_and_no_daylight(
    message_class: str, changes: dict[str, Any]
) -> None:
    assert _judge(message_class=message_class, **changes) == Allowed()


def test_a_stop_ends_receipts_too_but_an_unsubscription_does_not() -> None:
    assert isinstance(_judge(message_class="transactional", suppression="stop"), Blocked)
    assert _judge(message_class="transactional", suppression="unsubscribe") == Allowed()
    assert isinstance(_judge(suppression="unsubscribe"), Blocked)


def test_an_email_may_go_by_night_and_to_an_unknown_place() -> None:
    assert _judge(channel="email", now=NIGHT, zones=(), places=()) == Allowed()


@pytest.mark.parametrize(("ago", "allowed"), [(7, True), (6, False)])
def test_what_was_sent_before_the_window_does_not_count(ago: int, *, allowed: bool) -> None:
    verdict = _judge(sent_at=(NOON - timedelta(days=ago), NOON - timedelta(days=1)))
    assert isinstance(verdict, Allowed) is allowed


def test_a_cap_names_the_moment_at_which_it_ends() -> None:
    verdict = _judge(sent_at=(*SENT_TWICE, NOON - timedelta(hours=1)))
    assert isinstance(verdict, Blocked)
    assert verdict.until == SENT_TWICE[1] + timedelta(days=7)


def test_only_what_passes_by_itself_is_waited_for() -> None:
    quiet, opted_out = _judge(now=NIGHT), _judge(consent=REVOKED)
    assert isinstance(quiet, Blocked)
    assert isinstance(opted_out, Blocked)
    assert quiet.waits
    assert quiet.until == datetime.fromisoformat("2026-10-31T09:00")
    assert not opted_out.waits
    assert {"quiet_hours", "contract_red"} == WAITING


@pytest.mark.parametrize(
    ("expires", "allowed"), [(timedelta(0), False), (timedelta(seconds=1), True), (timedelta(-9), False)]
)
def test_a_consent_that_ran_out_is_none_from_that_moment_on(expires: timedelta, allowed: bool) -> None:  # noqa: FBT001 - a table of cases
    verdict = _judge(consent=replace(GRANTED, expires_at=NOON + expires))
    assert isinstance(verdict, Allowed) == allowed
    if isinstance(verdict, Blocked):
        assert verdict.reason == "consent_expired"
        assert verdict.sentence.startswith("This customer's agreement to marketing by SMS ran out on ")
        assert not verdict.waits


def test_a_consent_that_ran_out_forbids_no_receipt() -> None:
    assert _judge(message_class="transactional", consent=replace(GRANTED, expires_at=NOON)) == Allowed()
