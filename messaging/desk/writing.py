"""One message to one customer, written or chosen by a colleague: through the gate and the outbox like every other.

Free words are an answer (conversational): they go to those who wrote to us lately. Whom nobody heard of gets one of the
library's templates that are no marketing, in its own class. The gate is asked here, so that the colleague sees its answer,
and again by the dispatcher before the call; nothing goes around it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from data_contracts.errors import NotFoundError, RefusedError
from messaging import audit
from messaging.addresses import Addresses, normalise, read_addresses
from messaging.campaigns import Library
from messaging.clock import Clock
from messaging.customers import Customers
from messaging.desk.notes import AT_ONCE
from messaging.facts import Candidate, gather
from messaging.identity_decisions.said import checked_words
from messaging.outbox import PlannedMessage, insert_planned
from messaging.policy import Blocked, MessageClass, decide
from messaging.quiet_hours import QuietRules, installed_rules
from messaging.rendering import read_template
from messaging.rendering.segments import count_segments
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import messages
from messaging.templates.previews import Preview, facts_of, preview

CHANNELS = {
    "email": "email",
    "sms": "phone",
    "whatsapp": "phone",
}  # by which one writes, and the address's column
ANSWERED_WITHIN = timedelta(days=30)  # ours: later than that, free words are no answer any more
LONGEST = {"email": 10_000, "sms": 1_000, "whatsapp": 1_600}  # letters


@dataclass(frozen=True)
class Way:
    """A channel by which a colleague may write to somebody, or (`sentence`) why not."""

    channel: str
    message_class: MessageClass
    address: str | None
    sentence: str | None = None

    @property
    def is_open(self) -> bool:
        """Say whether a message would go."""
        return self.sentence is None


@dataclass(frozen=True)
class ServiceTemplate:
    """A template of the library that is no marketing, and what class of message it makes."""

    title: str
    message_class: MessageClass


@dataclass(frozen=True)
class Draft:
    """What a colleague wants to send: words (and a subject, of an e-mail), or a template's name."""

    message_id: str  # made when the form was: whoever presses twice sends once
    channel: str
    body: str = ""
    subject: str = ""
    template: str | None = None
    seen: str | None = None  # what `last_written` gave as the writing began; None asks for nothing


class WrittenSinceError(RefusedError):
    """A colleague wrote to the customer while somebody wrote to them too: who read that may send all the same."""


@dataclass(frozen=True)
class Desk:
    """The parts of an installation that writing to one customer needs."""

    settings: Settings
    store: Store
    customers: Customers
    library: Library
    clock: Clock

    @property
    def rules(self) -> QuietRules:
        """Read the installation's quiet hours."""
        return installed_rules(self.settings.home)

    @property
    def addresses(self) -> Addresses:
        """Read the secret by which addresses are hashed."""
        return read_addresses(self.settings, self.store)


def service_templates(library: Library) -> dict[str, ServiceTemplate]:
    """Give the templates that are no marketing, by their names, but for those that show what only a plan or an event knows.

    Those are coupons, and the values of a trigger, of which the library has nothing but examples.
    """
    campaigns, _ = library.campaigns()
    told = {
        each.template
        for campaign in campaigns
        if campaign.trigger is not None and campaign.trigger.values
        for each in campaign.variants
    }
    found = {}
    for name in sorted(set(library.template_names()) - told):
        channel, by_language = next(iter(library.template_texts(name).items()))
        language, text = next(iter(by_language.items()))
        template = read_template(channel, name, language, text, library.design())
        if template.message_class != "marketing" and not template.shows_coupon:
            found[name] = ServiceTemplate(template.title, template.message_class)
    return found


def ways(desk: Desk, customer_id: str, message_class: MessageClass = "conversational") -> list[Way]:
    """Say of each channel whether a message of a class may go to a customer now, as the gate has it."""
    facts = dict(desk.customers.get(customer_id, limit=1).facts)
    with desk.store.read() as connection:
        return [_way(desk, connection, facts, channel, message_class) for channel in CHANNELS]


def rendered(desk: Desk, customer_id: str, template: str, channel: str) -> Preview:
    """Show what a template says to a customer. Raises RefusedError where it is marketing, or they would get none."""
    if template not in service_templates(desk.library):
        raise RefusedError(
            f"Template {template!r} is marketing, or there is none of that name.",
            "Marketing goes by campaigns, which hold people out and count; choose a service template.",
        )
    person = facts_of(desk.customers, desk.store, customer_id)
    (shown,) = preview(desk.settings, desk.library, template, person, desk.clock.now(), channel=channel)
    if shown.body is None:
        raise RefusedError(shown.left_out or "It cannot be written for them.", "Choose another template.")
    return shown


def write_to(desk: Desk, customer_id: str, draft: Draft, *, actor: str) -> str:
    """Put one message into the outbox; gives its id. The second time that a draft is sent changes nothing.

    Nor does the same message a moment later under another id. Raises WrittenSinceError where a colleague wrote to them since
    the draft was begun, RefusedError in the gate's words where it may not go now, UsageError where nothing was written.
    """
    if draft.channel not in CHANNELS:
        raise NotFoundError(f"Nobody writes by {draft.channel!r} here.", f"By: {', '.join(CHANNELS)}.")
    facts = dict(desk.customers.get(customer_id, limit=1).facts)
    message = _from_template(desk, facts, draft) if draft.template else _from_words(desk, facts, draft)
    now = desk.clock.now()
    with desk.store.write() as connection:
        _require_unanswered(connection, message, draft)
        if (known := _sent_at_once(connection, message, now)) is not None:
            return known
        way = _way(desk, connection, facts, draft.channel, _class_of(message))
        if way.sentence is not None:
            raise RefusedError(way.sentence, "Nothing was sent.")
        if insert_planned(connection, [message], now, queued=True):
            detail = {
                "message_id": message.message_id,
                "channel": message.channel,
                "class": message.message_class,
                "template": draft.template,
            }
            audit.record(connection, actor, "customer.write", message.customer_id, detail, at=now)
    return message.message_id


def last_written(desk: Desk, customer_id: str) -> str:
    """Name the newest message that a colleague wrote to a customer by hand, by its entry in the audit; empty for none."""
    with desk.store.read() as connection:
        found = audit.newest(connection, 1, action="customer.write", subject=customer_id)
    return str(found[0]["audit_id"]) if found else ""


def _require_unanswered(connection: Connection, message: PlannedMessage, draft: Draft) -> None:
    found = audit.newest(connection, 1, action="customer.write", subject=message.customer_id)
    if draft.seen is None or not found or found[0]["audit_id"] == draft.seen:
        return
    if found[0]["detail"]["message_id"] != draft.message_id:
        raise WrittenSinceError(
            f"{found[0]['actor']} wrote to them while you did: nothing was sent.",
            "Their message stands in the timeline; send yours again if it is still needed.",
        )


def _sent_at_once(connection: Connection, message: PlannedMessage, now: datetime) -> str | None:
    """Find the same message of a moment ago: a second press may come when the form has its next id already."""
    same = {"customer_id": message.customer_id, "channel": message.channel, "run_id": None}
    rows = select(messages).filter_by(**same, body=message.body, subject=message.subject)
    found = connection.execute(rows.where(messages.c.created_at > now - AT_ONCE)).first()
    return found.message_id if found else None


def _way(
    desk: Desk, connection: Connection, facts: Mapping[str, Any], channel: str, message_class: MessageClass
) -> Way:
    candidate = _candidate(desk, connection, facts, channel, message_class)
    now = desk.clock.now()
    said = decide(gather(connection, [candidate], now)[channel], desk.rules)
    sentence = said.sentence if isinstance(said, Blocked) else None
    if sentence is None and message_class == "conversational" and not _wrote_lately(facts, now):
        sentence = (
            f"They have not written to us for {ANSWERED_WITHIN.days} days, so free words would be no answer. "
            "Send a service template."
        )
    return Way(channel, message_class, candidate.address, sentence)


def _wrote_lately(facts: Mapping[str, Any], now: datetime) -> bool:
    last = facts["last_inbound_at"]
    return last is not None and now - last <= ANSWERED_WITHIN


def _candidate(
    desk: Desk, connection: Connection, facts: Mapping[str, Any], channel: str, message_class: MessageClass
) -> Candidate:
    given = facts[CHANNELS[channel]]
    address = normalise(channel, given) if given else None
    return Candidate(
        key=channel,
        person=desk.customers.known_as(facts["customer_id"], connection),
        channel=channel,
        address=address,
        address_hash=desk.addresses.hash(address) if address else None,
        message_class=message_class,
        purpose="service",
        address_given=bool(given),
        time_zone=facts["time_zone"],
        country=facts["country"],
    )


def _from_words(desk: Desk, facts: Mapping[str, Any], draft: Draft) -> PlannedMessage:
    body = checked_words(draft.body, "message", LONGEST[draft.channel])
    subject = checked_words(draft.subject, "subject", 200) if draft.channel == "email" else None
    if subject is not None and "\n" in subject:
        raise RefusedError("The subject has more than one line.", "Write it in one.")
    return PlannedMessage(
        **_whom(desk, facts, draft),
        body=body,
        subject=subject,
        message_class="conversational",
        purpose="service",
        segment_count=count_segments(body) if draft.channel == "sms" else None,
    )


def _from_template(desk: Desk, facts: Mapping[str, Any], draft: Draft) -> PlannedMessage:
    name = str(draft.template)
    shown = rendered(desk, facts["customer_id"], name, draft.channel)
    texts = desk.library.template_texts(name)[draft.channel]
    template = read_template(draft.channel, name, shown.language, _text(texts, shown), desk.library.design())
    return PlannedMessage(
        **_whom(desk, facts, draft),
        body=str(shown.body),
        subject=shown.subject,
        html=shown.html,
        message_class=template.message_class,
        purpose=template.purpose,
        template=f"{draft.channel}/{name}.{shown.language}",
        template_hash=shown.template_hash,
        segment_count=shown.segment_count,
    )


def _text(texts: Mapping[str, str], shown: Preview) -> str:
    return texts.get(shown.language) or next(iter(texts.values()))


def _class_of(message: PlannedMessage) -> MessageClass:
    return "conversational" if message.message_class == "conversational" else "transactional"


def _whom(desk: Desk, facts: Mapping[str, Any], draft: Draft) -> dict[str, Any]:
    given = facts[CHANNELS[draft.channel]]
    address = (normalise(draft.channel, given) if given else None) or ""
    return {
        "message_id": draft.message_id,
        "customer_id": facts["customer_id"],
        "channel": draft.channel,
        "address": address,
        "address_hash": desk.addresses.hash(address),
        "time_zone": facts["time_zone"],
        "country": facts["country"],
    }
