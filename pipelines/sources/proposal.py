"""Puts a mapping together from what the columns of a file probably are: an expression and a remark for each column."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from data_contracts.contracts import Contract, load_contract
from pipelines.sources.drift import words_of
from pipelines.sources.evidence import Profile
from pipelines.sources.guessed_columns import (
    Amount,
    amount_of,
    date_formats,
    doubt_about_time,
    mapped_words,
    number,
)
from pipelines.sources.guessing import (
    FULL_NAME,
    NOT_OURS,
    Guess,
    allowed_values,
    word_of,
)
from pipelines.sources.vocabulary import Expression, columns_in

OWN_ID = {
    "products": "product_id", "calls": "call_id", "chat_messages": "message_id", "email_events": "event_id",
    "email_messages": "message_id", "events": "event_id", "form_submissions": "submission_id", "reviews": "review_id",
    "shipments": "shipment_id", "sms_messages": "message_id", "social_messages": "message_id",
    "survey_responses": "response_id", "tickets": "ticket_id", "contacts": "external_id",
}  # fmt: skip
# what a required column is where the file does not say it; an empty one is not guessed, because too much hangs on it
CONSTANTS: dict[str, dict[str, str]] = {
    "purchases": {"line_kind": "sale", "quantity": "1"},
    "calls": {"direction": "inbound", "status": "completed"},
    "chat_messages": {"author_kind": "customer"},
    "consents": {"channel": "email", "purpose": "marketing", "action": "", "legal_basis": "consent"},
    "email_messages": {"direction": "inbound"},
    "outreach": {"channel": "email", "direction": "outbound", "arm": "sent", "state": "sent"},
    "shipments": {"status": "in_transit"},
    "sms_messages": {"channel": "sms", "direction": "inbound", "status": "received"},
    "social_messages": {"channel": "other", "kind": "direct", "direction": "inbound"},
    "survey_responses": {"kind": "other"},
    "tickets": {"status": "open"},
}
ID_WORDS = {
    "id",
    "ids",
    "nr",
    "no",
    "num",
    "number",
    "nummer",
    "numero",
    "code",
    "key",
    "ref",
    "uuid",
    "guid",
    "sid",
}
POSITIONS = {"no", "nr", "num", "number", "row", "line", "zeile", "ligne", "pos", "index", "column"}
EMPTY: dict[str, Any] = {"empty": "true"}


@dataclass(frozen=True)
class Line:
    """A column of the mapping: how it is made, and what a person should know about it."""

    expression: Expression
    remark: str = ""


@dataclass(frozen=True)
class Facts:
    """What was found out about the file as a whole."""

    decimal: str
    doubt: str  # about the decimal sign; empty where there is none
    time_formats: tuple[str, ...]
    currency: str  # a code; empty where the file says none
    today: str
    together: str = ""  # a template of columns that together name each row


@dataclass
class Proposal:
    """The columns of a mapping in the order of the contract, and how a record is known again."""

    contract: Contract
    guess: Guess
    facts: Facts
    lines: dict[str, Line] = field(default_factory=dict)
    record_id: str = ""

    def unused(self, profiles: Iterable[Profile]) -> tuple[str, ...]:
        """Name the columns of the file that are left."""
        made = [line.expression for line in self.lines.values()]
        used = set(columns_in([*made, {"template": self.record_id}]))
        return tuple(profile.column for profile in profiles if profile.column not in used)

    def set(self, column: str, expression: Expression, remark: str = "") -> None:
        """State how a column is made, unless that is stated already."""
        if column in self.contract.duckdb_columns():
            self.lines.setdefault(column, Line(expression, remark))


def propose(guess: Guess, facts: Facts, profiles: Mapping[str, Profile]) -> Proposal:
    """Build the mapping's columns."""
    proposal = Proposal(load_contract(guess.table), guess, facts)
    _names(proposal)
    if guess.table == "purchases":
        _purchases(proposal)
    for canonical, profile in guess.columns.items():
        if canonical != FULL_NAME:
            proposal.set(canonical, *_made(proposal, canonical, profile))
    _scales(proposal)
    _currencies(proposal)
    _ids(proposal, profiles)
    _required(proposal)
    return proposal


def _made(proposal: Proposal, canonical: str, profile: Profile) -> tuple[Expression, str]:
    """Make a column from one of the file, by its type in the contract."""
    column, kind = profile.column, proposal.contract.column(canonical).type
    if kind == "TIMESTAMP":
        return _time(proposal, profile), doubt_about_time(profile)
    if kind == "DATE":
        return {"date": column, "formats": date_formats(profile)}, doubt_about_time(profile)
    if kind != "VARCHAR":
        return number(canonical, kind, profile), ""
    if allowed := allowed_values(proposal.contract, canonical):
        return mapped_words(
            canonical, profile, allowed, optional=not proposal.contract.column(canonical).required
        )
    if canonical == "phone" and (more := proposal.guess.more.get("phone")):
        return {"first_of": [column, *(each.column for each in more)]}, ""
    return {"column": column, "case": "upper"} if canonical == "currency" else column, ""


def _time(proposal: Proposal, profile: Profile) -> Expression:
    same = not profile.formats or set(profile.formats) <= set(proposal.facts.time_formats)
    formats = {} if same else {"formats": list(profile.formats)}
    return {"time": profile.column} | formats


def _names(proposal: Proposal) -> None:
    full = proposal.guess.get(FULL_NAME)
    if full is None:
        return
    turned = full.share(lambda text: "," in text) > 0.8
    given, family = (r",\s*(.+)$", r"^([^,]+)") if turned else (r"^(\S+)", r"^\S+\s+(.+)$")
    if not proposal.guess.get("given_name"):
        proposal.set("given_name", {"column": full.column, "extract": given})
    if not proposal.guess.get("family_name"):
        proposal.set("family_name", {"column": full.column, "extract": family})


def _purchases(proposal: Proposal) -> None:
    """Say what a line brings in, and what kind of line it is where its sign tells that."""
    quantity, price, total = (
        proposal.guess.get(name) for name in ("quantity", "unit_price_minor", "net_amount_minor")
    )
    pieces: Expression = {"integer": quantity.column} if quantity else {"value": "1"}
    amount: Amount | None = amount_of(total) if total else None
    remark = ""
    if amount is None and price:
        amount = {"multiply": [amount_of(price), pieces]} if quantity else amount_of(price)
    if amount is None:
        return
    if price and price.negative:
        proposal.set(
            "unit_price_minor", {"absolute": amount_of(price)}, "a price is never below nought, the amount is"
        )
    kinds = proposal.guess.get("line_kind")
    if kinds:
        amount, remark = _signed(proposal, kinds, total or price, amount)
    elif any(each is not None and each.negative for each in (quantity, price, total)):
        below = {"when": {"number": amount, "below": "0"}, "then": {"value": "refund"}}
        proposal.set("line_kind", {"cases": [below], "otherwise": {"value": "sale"}}, "told by the sign")
    proposal.set("net_amount_minor", amount, remark)


def _signed(proposal: Proposal, kinds: Profile, money: Profile | None, amount: Amount) -> tuple[Amount, str]:
    """Turn the sign of refunds that the file writes without one."""
    allowed = allowed_values(proposal.contract, "line_kind")
    back = [word for word in kinds.words if word_of("line_kind", word, allowed) in {"refund", "cancellation"}]
    if not back or (money is not None and money.negative):
        return amount, ""
    turned = {"when": {"column": kinds.column, "is": back}, "then": {"negate": amount}}
    return {"cases": [turned], "otherwise": amount}, "refunds are written without a sign, so theirs is turned"


def _scales(proposal: Proposal) -> None:
    for value, scale in (("rating", "rating_scale"), ("score", "score_scale")):
        profile = proposal.guess.get(value)
        if profile is None or scale not in proposal.contract.duckdb_columns():
            continue
        top = next(top for top in (5, 10, 100, 1_000_000) if profile.largest <= top)
        proposal.set(
            scale, {"value": str(top)}, f"the highest of the values is {profile.largest:g}: check it"
        )
        if scale == "score_scale" and not proposal.guess.get("kind"):
            said = f"{profile.column} {getattr(proposal.guess.get('survey_name'), 'column', '')}".lower()
            nps = top == 10 and profile.integer > 0.99
            kind = "nps" if nps or "nps" in said else "csat" if top == 5 else "other"
            proposal.set("kind", {"value": kind}, "nps, csat, ces or other: check it")


def _currencies(proposal: Proposal) -> None:
    columns = proposal.contract.duckdb_columns()
    amounts = any(column.endswith("_minor") for column in proposal.lines)
    if "currency" not in columns or not (amounts or proposal.contract.column("currency").required):
        return
    if proposal.facts.currency:
        proposal.set("currency", {"value": proposal.facts.currency}, "told by the amounts or their header")
    proposal.set(
        "currency", {"company": "currency"}, "the file names none, so it is that of RAPPORT_CURRENCY"
    )


def _ids(proposal: Proposal, profiles: Mapping[str, Profile]) -> None:
    """Say how a record is known again: by a column that names each one, else by its content."""
    table = proposal.guess.table
    prefix = record_prefix(proposal.contract)
    own = OWN_ID.get(table, "")
    named = [profile for profile in (proposal.guess.get(own),) if profile] if own else []
    if table == "contacts":
        named += [profile for profile in (proposal.guess.get("email"),) if profile]
    if table == "purchases":
        named += [profile for profile in (proposal.guess.get("order_id"),) if profile]
    named += [profile for profile in profiles.values() if _is_id(profile)]
    for profile in named:
        if profile.unique and fits_template(profile.column):
            proposal.record_id = f"{prefix}/{{{profile.column}}}"
            if own and own != "external_id":
                proposal.set(own, profile.column)
            break
    proposal.record_id = proposal.record_id or f"{prefix}/{{content}}-{{ordinal}}"
    if not own or own == "external_id" or own in proposal.lines:
        return
    if proposal.facts.together:
        proposal.set(
            own, {"template": proposal.facts.together}, "no column names each record, so these do together"
        )
        return
    for profile in (each for each in proposal.guess.columns.values() if each.always):
        begin = {"column": profile.column, "extract": "^(.{1,100})"}
        proposal.set(own, begin, "no column names each record: find one, or let the sender add one")


def _is_id(profile: Profile) -> bool:
    """Say whether a column is called like a name of records, and is no position in the file."""
    words = set(words_of(profile.column))
    counted = [str(place) for place in range(1, len(profile.values) + 1)]
    if words - {"1"} <= POSITIONS and list(profile.values) == counted:
        return False
    return bool(words & ID_WORDS) and profile.timed < 0.8 and all(len(text) <= 64 for text in profile.values)


def _required(proposal: Proposal) -> None:
    """Fill what the contract needs and the file does not say."""
    table = proposal.guess.table
    if (
        table == "chat_messages"
        and "conversation_id" not in proposal.lines
        and "message_id" in proposal.lines
    ):
        proposal.set(
            "conversation_id",
            proposal.lines["message_id"].expression,
            "no column names the conversation: each message is one",
        )
    if (
        table == "shipments"
        and "status" not in proposal.lines
        and (came := proposal.guess.get("delivered_at"))
    ):
        arrived = {"when": {"column": came.column, "empty": "false"}, "then": {"value": "delivered"}}
        proposal.set("status", {"cases": [arrived], "otherwise": {"value": "in_transit"}})
    if table == "purchases" and not proposal.guess.get("order_id"):
        _orders(proposal)
    for column in proposal.contract.columns:
        if not column.required or column.name in NOT_OURS or column.name in proposal.lines:
            continue
        constant = CONSTANTS.get(table, {}).get(column.name, "")
        if constant:
            proposal.set(column.name, {"value": constant}, "the file does not say it: check it")
        elif column.name == "occurred_at":
            proposal.set(
                "occurred_at", {"value": proposal.facts.today}, "the file names no time: this is today"
            )
        else:
            proposal.set(
                column.name, EMPTY, f"TO DO: {column.description.rstrip('.')}. No column looks like it"
            )


def _orders(proposal: Proposal) -> None:
    """Take what a customer buys at a time for an order, where nothing names orders."""
    who = proposal.guess.get("external_id") or proposal.guess.get("email")
    when = proposal.guess.get("occurred_at")
    if who and when and fits_template(who.column) and fits_template(when.column):
        template = {"template": f"{{{who.column}}}-{{{when.column}}}"}
        proposal.set(
            "order_id", template, "no column names the order: what a customer buys at one time is one"
        )


def record_prefix(contract: Contract) -> str:
    """Give what the record ids of a table begin with, such as line."""
    rules = [rule for rule in contract.column("source_record_id").rules if rule.check == "pattern"]
    return rules[0].pattern.lstrip("^").partition("/")[0]


def fits_template(column: str) -> bool:
    """Say whether a column's name can stand in a record id."""
    return (
        not set("{}") & set(column)
        and column not in {"ordinal", "content"}
        and not column.startswith("columns.")
    )
