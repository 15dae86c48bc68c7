"""The gate: what forbids a message, in which order, and in which words."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from messaging.consent_words import ConsentState
from messaging.policy import WAITING, Allowed, Blocked, BudgetStanding, FrequencyCap, SendFacts, Sent, decide
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
    caps=(FrequencyCap(2, 7, "sms"),),
    campaign="win_back",
)


def _sent(*ago: timedelta, channel: str = "sms", campaign: str | None = "win_back") -> tuple[Sent, ...]:
    return tuple(Sent(NOON - each, channel, campaign) for each in ago)


SENT_TWICE = _sent(timedelta(days=6), timedelta(days=1))


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
            {"sent": SENT_TWICE},
            "frequency_cap",
            "This customer has had 2 marketing messages by SMS in 7 days; our limit is 2.",
        ),
        (
            {"complaint_since": datetime.fromisoformat("2026-10-05T09:00")},
            "open_complaint",
            "This customer has had an open complaint since 5 October 2026; no marketing until it is settled.",
        ),
        (
            {"channel": "whatsapp"},
            "whatsapp_window",
            "This customer has not written to us by WhatsApp in the last 24 hours, so only an approved template may go.",
        ),
        (
            {
                "caps": (FrequencyCap(1, 1), FrequencyCap(9, 7)),
                "sent": SENT_TWICE[1:] + _sent(timedelta(hours=2), channel="email"),
            },
            "frequency_cap",
            "This customer has had 1 marketing message over all channels in 1 day; our limit is 1.",
        ),
        (
            {
                "places": (Place("US", "FL"),),
                "caps": (),
                "sent": _sent(*[timedelta(hours=n) for n in (23, 9, 1)]),
            },
            "state_limit",
            "The law of Florida allows 3 messages of this campaign in 24 hours, and this customer has had 3.",
        ),
        (
            {
                "channel": "voice",
                "places": (Place("FR"),),
                "zones": ("Europe/Paris",),
                "now": NOON + timedelta(days=2),
            },
            "quiet_hours",
            "It is Sunday, 1 November, in Paris; marketing may arrive from Monday 10:00.",
        ),
        (
            {
                "cost": 40_500,
                "currency": "GBP",
                "budgets": (BudgetStanding("sms", 100_000_000, 99_960_000, NOON),),
            },
            "daily_budget",
            "Today's budget for SMS, 100.00 GBP, is promised; marketing goes on tomorrow.",
        ),
        (
            {"zones": ()},
            "unknown_time_zone",
            "We cannot tell in which time zone this customer is, so we cannot tell whether it is night there.",
        ),
        (
            {"now": NIGHT},
            "quiet_hours",
            "It is 23:30 in London; marketing may arrive from Saturday 09:00.",
        ),
        (
            {"zones": ("America/New_York", "Europe/London")},
            "quiet_hours",
            "It is 08:00 in New York; marketing may arrive from 09:00.",
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
    {"complaint_since": NOON},
    {"red_contracts": ("purchases",)},
    {"sent": SENT_TWICE},
    {"now": NIGHT},
    {"cost": 1, "budgets": (BudgetStanding("every channel", 1, 1, NOON + timedelta(hours=12)),)},
]
ORDER = [
    "invalid_address",
    "suppressed",
    "opted_out",
    "open_complaint",
    "contract_red",
    "frequency_cap",
    "quiet_hours",
    "daily_budget",
]


@pytest.mark.parametrize("count", range(1, len(FORBIDDEN) + 1))
def test_of_several_reasons_the_first_that_will_stay_is_shown(count: int) -> None:
    changes: dict[str, Any] = {}
    for one in FORBIDDEN[len(FORBIDDEN) - count :]:
        changes |= one
    verdict = _judge(**changes)
    assert isinstance(verdict, Blocked)
    assert verdict.reason == ORDER[len(ORDER) - count]


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
    verdict = _judge(sent=_sent(timedelta(days=ago), timedelta(days=1)))
    assert isinstance(verdict, Allowed) is allowed


def test_a_cap_names_the_moment_at_which_it_ends() -> None:
    verdict = _judge(sent=(*SENT_TWICE, *_sent(timedelta(hours=1))))
    assert isinstance(verdict, Blocked)
    assert verdict.until == SENT_TWICE[1].at + timedelta(days=7)


def test_only_what_passes_by_itself_is_waited_for() -> None:
    quiet, opted_out = _judge(now=NIGHT), _judge(consent=REVOKED)
    assert isinstance(quiet, Blocked)
    assert isinstance(opted_out, Blocked)
    assert quiet.waits
    assert quiet.until == datetime.fromisoformat("2026-10-31T09:00")
    assert not opted_out.waits
    assert {
        "quiet_hours",
        "contract_red",
        "daily_budget",
        "merges_unknown",
        "scheduled",
        "campaign_pace",
    } == WAITING


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


@pytest.mark.parametrize(
    ("others", "allowed"),
    [
        (_sent(*[timedelta(hours=n) for n in (25, 9, 1)]), True),  # one is a day old
        (_sent(*[timedelta(hours=n) for n in (3, 2, 1)], campaign="spring"), True),  # another subject
        (_sent(*[timedelta(hours=n) for n in (3, 2, 1)], campaign=None), False),  # of which nobody can tell
        (_sent(*[timedelta(hours=n) for n in (3, 2, 1)], channel="email"), True),
        (_sent(timedelta(hours=3), timedelta(hours=2)) + _sent(timedelta(hours=1), channel="voice"), False),
    ],
)
@pytest.mark.parametrize(
    "where", [{"places": (Place("US", "OK"),)}, {"places": (Place("US"),)}, {"address": "+14055550123"}]
)
def test_some_states_allow_three_of_one_subject_in_a_day_by_phone(
    others: tuple[Sent, ...], *, allowed: bool, where: dict[str, Any]
) -> None:
    here = {"zones": ("America/Chicago",), "now": NOON + timedelta(hours=5), "places": (Place("US", "NY"),)}
    later = tuple(replace(one, at=one.at + timedelta(hours=5)) for one in others)
    verdict = _judge(**(here | where), caps=(), sent=later)
    assert isinstance(verdict, Allowed) is allowed
    if isinstance(verdict, Blocked):
        assert (verdict.reason, verdict.until) == (
            "state_limit",
            min(one.at for one in later) + timedelta(days=1),
        )


@pytest.mark.parametrize("message_class", ["marketing", "transactional", "conversational"])
def test_free_words_go_by_whatsapp_in_an_open_window_alone_and_templates_always(message_class: str) -> None:
    chat = {"channel": "whatsapp", "message_class": message_class}
    assert isinstance(_judge(**chat), Blocked)
    assert _judge(**chat, window_open=True) == Allowed()
    assert _judge(**chat, has_template=True) == Allowed()


def test_of_several_caps_the_one_that_holds_longest_names_the_moment() -> None:
    caps = (FrequencyCap(1, 1), FrequencyCap(2, 7, "sms"), FrequencyCap(1, 30, "email"))
    verdict = _judge(caps=caps, sent=_sent(timedelta(days=3), timedelta(hours=2)))
    assert isinstance(verdict, Blocked)
    assert verdict.until == NOON + timedelta(days=4)


def test_a_budget_goes_to_its_last_penny() -> None:
    purse = BudgetStanding("campaign:win_back", 1000, 900, NOON + timedelta(hours=12))
    assert _judge(cost=100, budgets=(purse,)) == Allowed()
    blocked = _judge(cost=101, budgets=(purse,))
    assert isinstance(blocked, Blocked)
    assert blocked.sentence.startswith("Today's budget for this campaign, 0.00,")
    assert (blocked.waits, blocked.until) == (True, purse.ends)


def test_a_sentence_names_the_place_and_hour_where_it_is_night() -> None:
    verdict = _judge(
        zones=("America/Los_Angeles", "Europe/London"), now=datetime.fromisoformat("2026-10-30T16:30")
    )
    assert isinstance(verdict, Allowed)
    verdict = _judge(
        zones=("America/Los_Angeles", "Europe/London"), now=datetime.fromisoformat("2026-10-30T20:30")
    )
    assert isinstance(verdict, Blocked)
    assert verdict.sentence == "It is 20:30 in London; marketing may arrive from Saturday 16:00."
