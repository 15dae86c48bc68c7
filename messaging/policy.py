"""May we? One pure gate for every channel and campaign: facts in, Allowed or Blocked with a reason out.

It is asked twice: when a campaign is planned, so that a marketer sees who is left out and why, and again in
the transaction that comes before the provider's call, on facts that were read again there.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from messaging.consent_words import ConsentState
from messaging.quiet_hours import Place, QuietRules, is_legal, next_legal

MessageClass = Literal["marketing", "transactional", "conversational"]
Reason = Literal[
    "no_address",
    "invalid_address",
    "suppressed",
    "opted_out",
    "no_consent",
    "consent_expired",
    "contract_red",
    "frequency_cap",
    "unknown_time_zone",
    "quiet_hours",
    "held_out",  # the planner's own: drawn by lot, to measure what the campaign does
]
WAITING: frozenset[Reason] = frozenset({"quiet_hours", "contract_red"})  # these pass; the others are final
SOFT_SUPPRESSIONS = ("unsubscribe",)  # ends marketing, not the receipt of an order
HELD_OUT = "Held out by lot, to measure what the campaign does."


@dataclass(frozen=True)
class FrequencyCap:
    """At most `messages` marketing messages a person in any `days` days, over all campaigns."""

    messages: int
    days: int


DEFAULT_CAPS = {  # ours, a channel each; a person's patience is not a law
    "sms": FrequencyCap(2, 7),
    "whatsapp": FrequencyCap(2, 7),
    "voice": FrequencyCap(1, 7),
    "chat": FrequencyCap(2, 7),
    "email": FrequencyCap(3, 7),
}


@dataclass(frozen=True)
class SendFacts:
    """Everything that the gate looks at, for one message to one address. Moments are naive UTC."""

    channel: str
    message_class: MessageClass
    now: datetime
    address: str | None  # normalised; None where there is none, or none that can exist
    address_given: bool = True  # whether we were given any address at all
    suppression: str | None = None  # why the address is suppressed on this channel
    consent: ConsentState | None = None  # the strictest of the person's and the address's
    zones: tuple[str, ...] = ()  # every zone where they may be
    places: tuple[Place, ...] = ()  # every place whose rules may hold
    sent_at: tuple[datetime, ...] = ()  # marketing on this channel: calling, unknown and accepted alike
    cap: FrequencyCap | None = None
    red_contracts: tuple[str, ...] = ()  # tables that the campaign stands on and whose checks are red


@dataclass(frozen=True)
class Allowed:
    """The message may go now."""


@dataclass(frozen=True)
class Blocked:
    """The message may not go now: a code, a sentence for a marketer, when it may go (naive UTC), if ever."""

    reason: Reason
    sentence: str
    until: datetime | None = None

    @property
    def waits(self) -> bool:
        """Say whether the message should wait rather than be left out: what stops it passes by itself."""
        return self.reason in WAITING


def decide(facts: SendFacts, rules: QuietRules) -> Allowed | Blocked:
    """Judge one message. What is final comes before what passes, so that the reason shown will stay."""
    blocked = _address(facts) or _suppression(facts)
    if blocked is None and facts.message_class == "marketing":
        blocked = _consent(facts) or _contracts(facts) or _frequency(facts) or _hours(facts, rules)
    return blocked or Allowed()


def _address(facts: SendFacts) -> Blocked | None:
    if facts.address:
        return None
    thing = _thing(facts.channel)
    if facts.address_given:
        return Blocked("invalid_address", f"The {thing} that we have for this customer cannot exist.")
    return Blocked("no_address", f"We have no {thing} for this customer.")


_SUPPRESSIONS = {
    "stop": "This {thing} answered STOP, so nothing goes to it any more.",
    "unsubscribe": "This {thing} was unsubscribed from marketing.",
    "bounce": "Messages to this {thing} came back: nobody is there.",
    "complaint": "Somebody at this {thing} reported us as spam, so nothing goes to it any more.",
    "provider": "The provider says that this {thing} cannot or will not be reached.",
    "person": "One of us blocked this {thing} by hand.",
}


def _suppression(facts: SendFacts) -> Blocked | None:
    if facts.suppression is None:
        return None
    if facts.suppression in SOFT_SUPPRESSIONS and facts.message_class != "marketing":
        return None
    sentence = _SUPPRESSIONS.get(facts.suppression, "Nothing may be sent to this {thing}.")
    return Blocked("suppressed", sentence.format(thing=_thing(facts.channel)))


def _consent(facts: SendFacts) -> Blocked | None:
    name = _channel(facts.channel)
    if facts.consent is None:
        return Blocked("no_consent", f"This customer has not agreed to marketing by {name}.")
    if not facts.consent.granted:
        when = f"{facts.consent.occurred_at:%d %B %Y}".lstrip("0")
        return Blocked("opted_out", f"This customer opted out of marketing by {name} on {when}.")
    if facts.consent.ran_out(facts.now):
        when = f"{facts.consent.expires_at:%d %B %Y}".lstrip("0")
        return Blocked(
            "consent_expired", f"This customer's agreement to marketing by {name} ran out on {when}."
        )
    return None


def _contracts(facts: SendFacts) -> Blocked | None:
    if not facts.red_contracts:
        return None
    tables = ", ".join(facts.red_contracts)
    return Blocked(
        "contract_red", f"The data of {tables} failed its checks; marketing waits until it passes."
    )


def _frequency(facts: SendFacts) -> Blocked | None:
    if facts.cap is None:
        return None
    window = timedelta(days=facts.cap.days)
    recent = sorted(moment for moment in facts.sent_at if moment > facts.now - window)
    if len(recent) < facts.cap.messages:
        return None
    return Blocked(
        "frequency_cap",
        f"This customer has had {len(recent)} marketing messages by {_channel(facts.channel)} "
        f"in {facts.cap.days} days; our limit is {facts.cap.messages}.",
        recent[-facts.cap.messages] + window,
    )


def _hours(facts: SendFacts, rules: QuietRules) -> Blocked | None:
    if facts.channel not in rules.channels:
        return None
    if not facts.zones:
        sentence = "We cannot tell where this phone is, so we cannot tell whether it is night there."
        return Blocked("unknown_time_zone", sentence)
    weeks = rules.weeks(facts.places)
    if is_legal(facts.now, facts.zones, weeks):
        return None
    until = next_legal(facts.now, facts.zones, weeks)
    if until is None:
        return Blocked("quiet_hours", "No hour is allowed in all the places where this customer may be.")
    shut = next(name for name in facts.zones if not is_legal(facts.now, (name,), weeks))
    return Blocked("quiet_hours", _quiet_sentence(facts.now, until, shut), until)


def _quiet_sentence(now: datetime, until: datetime, name: str) -> str:
    zone = ZoneInfo(name)
    here, then = (moment.replace(tzinfo=UTC).astimezone(zone) for moment in (now, until))
    day = "" if here.date() == then.date() else f"{then:%A} "
    return f"It is {here:%H:%M} in {name}; marketing may arrive from {day}{then:%H:%M}."


def _thing(channel: str) -> str:
    return "e-mail address" if channel == "email" else "phone number"


def _channel(channel: str) -> str:
    return {"email": "e-mail", "sms": "SMS", "whatsapp": "WhatsApp", "voice": "phone call"}.get(
        channel, channel
    )
