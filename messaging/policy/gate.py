"""The gate itself: what applies to a message of each class, asked in the order in which an answer would stay.

It is asked twice: when a campaign is planned, so that a marketer sees who is left out and why, and again in
the transaction that comes before the provider's call, on facts that were read again there.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from messaging.policy.facts import FrequencyCap, SendFacts
from messaging.policy.verdicts import Allowed, Blocked, MessageClass
from messaging.policy.words import channel_name, city, clock, day, money, place_name, thing
from messaging.quiet_hours import Limit, QuietRules, is_legal, legal_until, local_time, next_legal

SOFT_SUPPRESSIONS = ("unsubscribe",)  # ends marketing, not the receipt of an order

# Marketing is handed over no later than this before its hours end: what takes a minute to go out may still arrive by day.
LAST_MINUTE = timedelta(minutes=1)

Check = Callable[[SendFacts, QuietRules], Blocked | None]
ALLOWED = Allowed()


def decide(facts: SendFacts, rules: QuietRules) -> Allowed | Blocked:
    """Judge one message. What is final comes before what passes, so that the reason shown will stay."""
    for check in APPLIES[facts.message_class]:
        blocked = check(facts, rules)
        if blocked is not None:
            return blocked
    return Allowed(_until(facts, rules)) if _hours in APPLIES[facts.message_class] else ALLOWED


def examine(facts: SendFacts, rules: QuietRules) -> tuple[tuple[str, Blocked | None], ...]:
    """Ask every check that applies to a message, not only until the first that says no: each in words, with what it said."""
    return tuple((ASKED[check], check(facts, rules)) for check in APPLIES[facts.message_class])


def _until(facts: SendFacts, rules: QuietRules) -> datetime | None:
    if facts.channel not in rules.channels:
        return None
    return legal_until(facts.now, facts.zones, rules.hours(facts.places, facts.channel, facts.address))


def _address(facts: SendFacts, _: QuietRules) -> Blocked | None:
    if facts.address:
        return None
    what = thing(facts.channel)
    if facts.address_given:
        return Blocked("invalid_address", f"The {what} that we have for this customer cannot exist.")
    return Blocked("no_address", f"We have no {what} for this customer.")


_SUPPRESSIONS = {
    "stop": "This {thing} answered STOP, so nothing goes to it any more.",
    "unsubscribe": "This {thing} was unsubscribed from marketing.",
    "bounce": "Messages to this {thing} came back: nobody is there.",
    "complaint": "Somebody at this {thing} reported us as spam, so nothing goes to it any more.",
    "provider": "The provider says that this {thing} cannot or will not be reached.",
    "person": "One of us blocked this {thing} by hand.",
}


def _suppression(facts: SendFacts, _: QuietRules) -> Blocked | None:
    if facts.answers_stop_until is not None and facts.now >= facts.answers_stop_until:
        return Blocked("suppressed", "This answer to a STOP came too late to be more than another message.")
    if facts.suppression is None:
        return None
    if facts.suppression in SOFT_SUPPRESSIONS and facts.message_class != "marketing":
        return None
    if facts.suppression == "stop" and facts.answers_stop_until is not None:
        return None  # it tells them that we heard it, which is the last that they hear
    sentence = _SUPPRESSIONS.get(facts.suppression, "Nothing may be sent to this {thing}.")
    return Blocked("suppressed", sentence.format(thing=thing(facts.channel)))


def _consent(facts: SendFacts, _: QuietRules) -> Blocked | None:
    if facts.consent is None:
        name = channel_name(facts.channel)
        return Blocked("no_consent", f"This customer has not agreed to marketing by {name}.")
    if not facts.consent.granted:
        name, when = channel_name(facts.channel), day(facts.consent.occurred_at)
        return Blocked("opted_out", f"This customer opted out of marketing by {name} on {when}.")
    if facts.consent.expires_at is not None and facts.consent.ran_out(facts.now):
        name, when = channel_name(facts.channel), day(facts.consent.expires_at)
        return Blocked(
            "consent_expired", f"This customer's agreement to marketing by {name} ran out on {when}."
        )
    return None


def _complaint(facts: SendFacts, _: QuietRules) -> Blocked | None:
    if facts.complaint_since is None:
        return None
    when = day(facts.complaint_since)
    return Blocked(
        "open_complaint",
        f"This customer has had an open complaint since {when}; no marketing until it is settled.",
    )


def _expiry(facts: SendFacts, _: QuietRules) -> Blocked | None:
    if facts.expires_at is None or facts.now < facts.expires_at:
        return None
    when = day(facts.expires_at)
    return Blocked("expired", f"It was planned to go until {when}, and is too old to go now. Plan it again.")


def _window(facts: SendFacts, _: QuietRules) -> Blocked | None:
    if facts.channel != "whatsapp" or facts.has_template or facts.window_open:
        return None
    return Blocked(
        "whatsapp_window",
        "This customer has not written to us by WhatsApp in the last 24 hours, so only an approved template may go.",
    )


def _contracts(facts: SendFacts, _: QuietRules) -> Blocked | None:
    if not facts.red_contracts:
        return None
    tables = ", ".join(facts.red_contracts)
    return Blocked(
        "contract_red", f"The data of {tables} failed its checks; marketing waits until it passes."
    )


def _frequency(facts: SendFacts, _: QuietRules) -> Blocked | None:
    if not facts.sent:
        return None
    blocks = [blocked for cap in facts.caps if (blocked := _over(facts, cap)) is not None]
    return max(blocks, key=lambda each: each.until or facts.now, default=None)


def _over(facts: SendFacts, cap: FrequencyCap) -> Blocked | None:
    if cap.channel not in {None, facts.channel}:
        return None
    window = timedelta(days=cap.days)
    recent = sorted(
        one.at for one in facts.sent if cap.channel in {None, one.channel} and one.at > facts.now - window
    )
    if len(recent) < cap.messages:
        return None
    by = f" by {channel_name(cap.channel)}" if cap.channel else " over all channels"
    return Blocked(
        "frequency_cap",
        f"This customer has had {_count(len(recent), 'marketing message')}{by} in {_count(cap.days, 'day')}; "
        f"our limit is {cap.messages}.",
        recent[-cap.messages] + window,
    )


def _state_limits(facts: SendFacts, rules: QuietRules) -> Blocked | None:
    """Hold to the law of some places: so many in so many hours, of one subject or in all."""
    if not facts.sent or facts.channel not in rules.channels:
        return None
    limits = rules.limits(facts.places, facts.channel, facts.address, facts.now)
    blocks = [blocked for limit in limits if (blocked := _over_state(facts, limit)) is not None]
    return max(blocks, key=lambda each: each.until or facts.now, default=None)


def _over_state(facts: SendFacts, limit: Limit) -> Blocked | None:
    window = timedelta(hours=limit.hours)
    same = (
        {None, facts.campaign} if limit.one_campaign and facts.campaign else None
    )  # nobody can tell what is of none
    recent = sorted(
        one.at
        for one in facts.sent
        if one.channel in limit.channels
        and one.at > facts.now - window
        and (same is None or one.campaign in same)
    )
    if len(recent) < limit.messages:
        return None
    of = " of this campaign" if limit.one_campaign else ""
    return Blocked(
        "state_limit",
        f"The law of {place_name(limit.place)} allows {_count(limit.messages, 'message')}{of} "
        f"in {_count(limit.hours, 'hour')}, and this customer has had {len(recent)}.",
        recent[-limit.messages] + window,
    )


def _hours(facts: SendFacts, rules: QuietRules) -> Blocked | None:
    if facts.channel not in rules.channels:
        return None
    if not facts.zones:
        sentence = (
            "We cannot tell in which time zone this customer is, so we cannot tell whether it is night there."
        )
        return Blocked("unknown_time_zone", sentence)
    hours = rules.hours(facts.places, facts.channel, facts.address)
    asked = facts.now
    if is_legal(facts.now, facts.zones, hours):
        ends = legal_until(facts.now, facts.zones, hours)
        if ends is None or ends - facts.now >= LAST_MINUTE:
            return None
        asked = ends
    until = next_legal(asked, facts.zones, hours)
    if until is None:
        return Blocked("quiet_hours", "No hour is allowed in all the places where this customer may be.")
    shut = next(name for name in facts.zones if not is_legal(asked, (name,), hours))
    here = local_time(facts.now, shut)
    when = f"{here:%H:%M}" if hours.on(here.date()) else f"{here:%A}, {here.day} {here:%B},"
    return Blocked(
        "quiet_hours",
        f"It is {when} in {city(shut)}; marketing may arrive from {clock(until, shut, facts.now)}.",
        until,
    )


def _budget(facts: SendFacts, _: QuietRules) -> Blocked | None:
    for budget in facts.budgets:
        if facts.cost and budget.promised + facts.cost > budget.limit:
            whose = budget.scope.removeprefix("campaign:")
            name = "this campaign" if whose != budget.scope else channel_name(whose)
            return Blocked(
                "daily_budget",
                f"Today's budget for {name}, {money(budget.limit, facts.currency)}, is promised; "
                "marketing goes on tomorrow.",
                budget.ends,
            )
    return None


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


# What is final comes first, then what passes. A receipt or an answer needs no consent to marketing and no daylight; it is
# paid for and counted all the same, and goes.
APPLIES: dict[MessageClass, tuple[Check, ...]] = {
    "marketing": (
        _address,
        _suppression,
        _consent,
        _complaint,
        _expiry,
        _window,
        _contracts,
        _frequency,
        _state_limits,
        _hours,
        _budget,
    ),
    "transactional": (_address, _suppression, _window),
    "conversational": (_address, _suppression, _window),
}
ASKED: dict[Check, str] = {
    _address: "There is an address, and it can exist",
    _suppression: "The address is not blocked",
    _consent: "They agreed to marketing by this channel",
    _complaint: "They have no open complaint",
    _expiry: "It is not too old",
    _window: "It is a template, or they wrote lately",
    _contracts: "The data passed its checks",
    _frequency: "They have not heard enough lately",
    _state_limits: "The law where they live allows another",
    _hours: "It is a legal hour where they are",
    _budget: "The day's budget is not spent",
}
