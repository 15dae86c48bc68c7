"""The words of an answer: nodes, evidence, refusals and ids as an agent would say them. Pure: plain data in."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import phonenumbers

from data_contracts.sentences import counted
from messaging.customers.journal import JournalEntry
from messaging.customers.why.views import Evidence, Node
from messaging.customers.why.waterfall import percent

RECORDS = {  # of one inbound table: one record, several
    "purchases": ("order line", "order lines"),
    "shipments": ("parcel", "parcels"),
    "email_messages": ("e-mail", "e-mails"),
    "email_events": ("e-mail event", "e-mail events"),
    "sms_messages": ("text message", "text messages"),
    "chat_messages": ("chat message", "chat messages"),
    "tickets": ("ticket", "tickets"),
    "calls": ("call", "calls"),
    "reviews": ("review", "reviews"),
    "survey_responses": ("survey answer", "survey answers"),
    "form_submissions": ("form", "forms"),
    "social_messages": ("social message", "social messages"),
    "contacts": ("contact record", "contact records"),
    "consents": ("consent record", "consent records"),
    "events": ("event", "events"),
    "outreach": ("message of ours", "messages of ours"),
}
THINGS = {  # a kind of identifier: one, several
    "external_id": ("account", "accounts"),
    "email": ("e-mail address", "e-mail addresses"),
    "phone": ("phone number", "phone numbers"),
    "handle": ("handle", "handles"),
    "device_id": ("device", "devices"),
    "order": ("order", "orders"),
    "conversation": ("conversation", "conversations"),
    "record": ("record", "records"),
}
PROVES_NOTHING = {  # why a value is blocked
    "placeholder": "it is a placeholder that somebody typed to fill a field",
    "own": "it is our own",
    "name": "it is a name, and others have the same",
    "role": "it is a desk or a machine, and not one person's",
    "impossible": "no such number can exist",
    "not_personal": "it is a company's or a service's number",
    "shared": "too many different people share it",
    "crowded": "too many different people share it",
}
ATTRIBUTES = {"birth_date": "birth dates", "given_name": "given names"}
CAUSES = {
    "evidence": "by new evidence",
    "policy": "by a changed policy",
    "decision": "by somebody's decision",
    "first_build": "in the first build",
}


def label(node: Node) -> str:
    """Name a node as an agent would: an address as it is written, an account with the source that gave it."""
    kind, key = node
    if kind == "phone":
        return _phone(key)
    if kind == "order":
        number = key.split(":", 1)[-1]
        return f"order {number if number.startswith('#') else '#' + number}"
    if kind in {"external_id", "conversation", "handle"} and ":" in key:
        source, own = key.split(":", 1)
        return f"the {source.replace('_', ' ')} {THINGS[kind][0]} {own}"
    if kind in {"email", "external_id"}:
        return key
    return f"the {THINGS.get(kind, (kind.replace('_', ' '),))[0]} {key}"


def day(moment: datetime | None) -> str:
    """Write the day of a moment: 3 May 2026."""
    return f"{moment:%-d %B %Y}" if moment else "a day that nobody noted"


def listed(names: Sequence[str], last: str = "and") -> str:
    """Write several names in a row: a, b and c."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"


def tie(evidence: Sequence[Evidence], orders: Mapping[tuple[str, str], str] | None = None) -> str:
    """Say why two nodes are one person; `evidence` is what ties just these two, one a source.

    `orders` gives the order of a purchase, by source and source_record_id.
    """
    first = evidence[0]
    one, other = label(first.left), label(first.right)
    if first.kind == "probabilistic" and first.waterfall:
        return (
            f"{capital(_record(first.source, first.source_record_id))}{_known_by(first.left)} and "
            f"{_record(first.other_source, first.other_record_id)}{_known_by(first.right)} are very likely the "
            "same person: "
            f"{percent(first.waterfall.probability)}, because {_likeness(first)}."
        )
    for whole, carried in ((first.right, one), (first.left, other)):
        if whole.identifier_type in {"order", "conversation"}:
            return f"{capital(label(whole))} of {day(first.first_seen_at)} carries {carried}."
    if sum(each.records for each in evidence) == 1:
        return (
            f"{capital(one)} and {other} are the same person because "
            f"{_carrier(first, orders or {})} carries both."
        )
    places = listed([_times(each) for each in evidence])
    return f"{capital(one)} and {other} were given together in {places}, {_span(evidence)}."


def decided(evidence: Evidence, detail: Mapping[str, Any]) -> str:
    """Say that a person decided that two records are one customer, and why."""
    records = (
        f"{_record(evidence.source, evidence.source_record_id)}{_known_by(evidence.left)} and "
        f"{_record(evidence.other_source, evidence.other_record_id)}{_known_by(evidence.right)}"
    )
    return f"{detail.get('author', 'Somebody')} decided that {records} are one person{_because(detail)}."


def refusal(
    rule: str, evidence: Evidence, detail: Mapping[str, Any], accounts: Sequence[str], keeper: str
) -> str:
    """Say what would have tied two customers, and why it was not followed.

    `accounts` are what the joined person would have too many of; `keeper` is the one for whom the key counts.
    """
    if rule == "decided":
        return f"{detail.get('author', 'Somebody')} decided that they are two people{_because(detail)}."
    shared = label(evidence.right)
    if rule == "blocked":
        return _blocked(shared, detail)
    if rule == "not_linking":
        return f"They share {shared}, but {_a(evidence.right.identifier_type)} ties nobody."
    common = "Their records look alike" if evidence.kind == "probabilistic" else f"They share {shared}"
    if rule == "conflict":
        one, other = (
            listed([str(each) for each in detail.get(side) or ["unknown"]]) for side in ("one", "other")
        )
        attribute = ATTRIBUTES.get(detail.get("attribute", ""), "facts")
        return f"{common}, but their {attribute} differ ({one}; {other})."
    whose = f"; so it counts for {keeper} alone" if keeper and evidence.kind != "probabilistic" else ""
    return f"{common}, but {_limit(detail, accounts)}{whose}."


def of_another(name: str | None, customer_id: str, sentence: str) -> str:
    """Name the customer whom a refusal kept apart, where only one of the two was asked about."""
    said = sentence[:1].lower() + sentence[1:] if sentence.startswith(("The", "Record ")) else sentence
    return f"{name or 'Somebody without a name'} ({customer_id}) is another customer: {said}"


def close_call(records: tuple[str, str], probability: float) -> str:
    """Say that two customers look alike, and that a person has to decide: too little agrees, or a limit speaks against."""
    return (
        f"{capital(records[0])} and {records[1]} look alike ({percent(probability)}), but somebody should look "
        "before they are joined: it is under review."
    )


def likeness(evidence: Evidence) -> str:
    """Say in what two records agree, the strongest first."""
    return _likeness(evidence)


def became(entry: JournalEntry) -> str:
    """Say what a line of the journal says of an id."""
    when, how = day(entry.at), CAUSES.get(entry.cause, f"by {entry.cause.replace('_', ' ')}")
    one, other = entry.customer_id, entry.other_customer_id
    if entry.kind == "merged":
        return f"On {when} {other} became part of {one}, {how}."
    if entry.kind == "split":
        return f"On {when} {one} was cut from {other}, {how}."
    return f"On {when} {one} was new, with {counted(entry.records, 'record', 'records')}, {how}."


def record_label(source: str | None, record_id: str | None) -> str:
    """Name a record."""
    return _record(source, record_id)


def capital(text: str) -> str:
    """Begin a sentence with a word of ours; an address or a number stays as it is written."""
    return text[:1].upper() + text[1:] if text.startswith(("the ", "order ", "record ", "a ")) else text


def _phone(key: str) -> str:
    number, _, extension = key.partition(";ext=")
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return key
    written = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    return f"{written}{f' extension {extension}' if extension else ''}"


def _record(source: str | None, record_id: str | None) -> str:
    return f"record {source}/{record_id}"


def _known_by(node: Node) -> str:
    return "" if node.identifier_type == "record" else f" ({label(node)})"


def _carrier(evidence: Evidence, orders: Mapping[tuple[str, str], str]) -> str:
    """Name the one record that carries both, an order by its number."""
    order = orders.get((evidence.source or "", evidence.source_record_id or ""))
    if order is not None:
        return f"order {order if order.startswith('#') else '#' + order} of {day(evidence.first_seen_at)}"
    one = RECORDS.get(evidence.origin_table or "", ("record", "records"))[0]
    return f"the {one} {evidence.source}/{evidence.source_record_id} of {day(evidence.first_seen_at)}"


def _times(evidence: Evidence) -> str:
    one, many = RECORDS.get(evidence.origin_table or "", ("record", "records"))
    return f"{counted(evidence.records, one, many)} ({(evidence.source or '').replace('_', ' ')})"


def _span(evidence: Sequence[Evidence]) -> str:
    first = day(min((each.first_seen_at for each in evidence if each.first_seen_at), default=None))
    last = day(max((each.last_seen_at for each in evidence if each.last_seen_at), default=None))
    return f"on {first}" if first == last else f"from {first} to {last}"


def _likeness(evidence: Evidence) -> str:
    found = evidence.waterfall.comparisons if evidence.waterfall else ()
    speaking = sorted((each for each in found if each.weight > 0), key=lambda each: -each.weight)
    named = [each.name.replace("_", " ") + _how_alike(each.label) for each in speaking[:4]]
    return f"they agree in {listed(named)}" if named else "of how little else is alike"


def _how_alike(label: str) -> str:
    return "" if label.lower() == "exact match" else f" ({label.lower()})"


def _limit(detail: Mapping[str, Any], accounts: Sequence[str]) -> str:
    kind, source = detail.get("type", "external_id"), detail.get("source")
    one, many = THINGS.get(kind, (kind.replace("_", " "), f"{kind.replace('_', ' ')}s"))
    of = f" of {source.replace('_', ' ')}" if source else ""
    allowed, would_be = int(detail.get("allowed", 1)), int(detail.get("would_be", 2))
    named = f" ({listed(list(accounts))})" if accounts else ""
    most = "one person has only one" if allowed == 1 else f"one person has {allowed} at most"
    return f"joining them would give one person {counted(would_be, one, many)}{of}{named}, and {most}"


def _blocked(shared: str, detail: Mapping[str, Any]) -> str:
    """Say why a value ties nobody; one that several names use still ties whoever gives it with a name."""
    reason = str(detail.get("reason", ""))
    if reason == "contested":
        return f"{capital(shared)} ties nobody by itself: people with different names use it."
    beside = f" (it stands beside {detail['beside']} others)" if detail.get("beside") else ""
    why = PROVES_NOTHING.get(reason, f"it is listed as {reason or 'worthless'}")
    return f"{capital(shared)} ties nobody: {why}{beside}."


def _because(detail: Mapping[str, Any]) -> str:
    reason = str(detail.get("reason") or "").strip().rstrip(".")
    return f": {reason}" if reason else ""


def _a(kind: str) -> str:
    one = THINGS.get(kind, (kind.replace("_", " "), ""))[0]
    return f"{'an' if one[:1] in 'aeiou' else 'a'} {one}"
