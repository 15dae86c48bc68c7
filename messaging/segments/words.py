"""A rule in words, for whoever does not read YAML."""

from collections.abc import Callable
from collections.abc import Sequence as Series
from datetime import datetime

from data_contracts.model import Contract
from messaging import formats
from messaging.segments.rules import (
    Ago,
    Comparison,
    Did,
    Joined,
    Listed,
    Named,
    Rule,
    Sample,
    Sequence,
    Touches,
    Value,
)

KINDS = {  # one touch, several of them
    "order": ("an order", "orders"),
    "refund": ("a refund", "refunds"),
    "shipment": ("a parcel", "parcels"),
    "email": ("an e-mail", "e-mails"),
    "email_event": ("an e-mail event", "e-mail events"),
    "sms": ("a text message", "text messages"),
    "chat": ("a chat message", "chat messages"),
    "contact": ("a profile", "profiles"),
    "consent": ("a consent", "consents"),
    "outreach": ("a campaign message", "campaign messages"),
    "ticket": ("a ticket", "tickets"),
    "call": ("a call", "calls"),
    "review": ("a review", "reviews"),
    "survey": ("a survey answer", "survey answers"),
    "form": ("a form", "forms"),
    "social": ("a social message", "social messages"),
    "event": ("an event", "events"),
}


def describe(rule: Rule, contract: Contract, currency: str) -> str:  # noqa: PLR0911 - one for each kind of rule
    """Say a rule in words; columns have the titles of customer_360's contract, and amounts the company's `currency`."""
    match rule:
        case Comparison():
            return _comparison(rule, contract.column(rule.column).title, currency)
        case Did(at_most=0):
            return f"never {say_touches(rule.touches, currency)}{_ago(rule.ago)}"
        case Did():
            return f"{say_touches(rule.touches, currency)} {_often(rule)}{_ago(rule.ago)}"
        case Sequence():
            steps = ", then ".join(say_touches(each, currency) for each in rule.steps)
            without = f", without {say_touches(rule.without, currency)}" if rule.without else ""
            return f"{steps} within {_days(rule.within_days)}{without}{_ago(rule.ago, ', begun')}"
        case Listed():
            return f"on the list “{rule.name}”"
        case Sample():
            return f"among {rule.percent:g} % drawn by lot “{rule.salt}”"
        case Named():
            return f"among “{rule.title}”"
        case Joined():
            if rule.word == "not":
                return f"not ({describe(rule.rules[0], contract, currency)})"
            parts = [describe(each, contract, currency) for each in rule.rules]
            parts = [
                f"({part})" if isinstance(each, Joined) else part
                for part, each in zip(parts, rule.rules, strict=True)
            ]
            return f" {'and' if rule.word == 'all' else 'or'} ".join(parts)


def say_touches(touches: Touches, currency: str | None = None) -> str:
    """Say in words which touches are meant; amounts in minor units where the `currency` is not known."""
    columns = dict(touches.columns)
    kinds = columns.pop("kind", ())
    words = _or([KINDS[each][0] for each in kinds]) if kinds else "anything"
    says = f" “{touches.says}”" if touches.says is not None else ""
    rest = [f"{column} {_or(values)}" for column, values in columns.items()]
    for word, minor in (("least", touches.at_least_minor), ("most", touches.at_most_minor)):
        if minor is not None:
            amount = formats.money(minor, currency) if currency else f"{minor:,} minor units"
            rest.append(f"of at {word} {amount}")
    return words + says + (f" ({', '.join(rest)})" if rest else "")


def _often(rule: Did) -> str:
    if rule.at_most is None:
        return "at least once" if rule.at_least == 1 else f"at least {rule.at_least} times"
    if rule.at_least == 0:
        return f"at most {_times(rule.at_most)}"
    if rule.at_least == rule.at_most:
        return f"exactly {_times(rule.at_most)}"
    return f"{rule.at_least} to {rule.at_most} times"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _ago(ago: Ago, word: str = "") -> str:
    if ago.nearest and ago.farthest is not None:
        return f"{word} {ago.nearest} to {ago.farthest} days ago"
    if ago.nearest:
        return f"{word} more than {_days(ago.nearest)} ago"
    return f"{word} within the last {_days(ago.farthest)}" if ago.farthest is not None else ""


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"


def _or(words: Series[str]) -> str:
    return " or ".join(words)


def _comparison(rule: Comparison, title: str, currency: str) -> str:
    """Say a column's title and what it has to be; a colon between them reads well after any title, also of many."""
    money = rule.column.endswith("_minor")
    shown = [_shown(value, currency if money else None) for value in rule.values]
    words: dict[str, Callable[[], str]] = {
        "=": lambda: shown[0],
        "!=": lambda: f"not {shown[0]}",
        "<": lambda: f"below {shown[0]}",
        "<=": lambda: f"at most {shown[0]}",
        ">": lambda: f"above {shown[0]}",
        ">=": lambda: f"at least {shown[0]}",
        "in": lambda: _or(shown),
        "not in": lambda: f"none of {', '.join(shown)}",
        "between": lambda: f"{shown[0]} to {shown[1]}",
        "is null": lambda: "not known",
        "is not null": lambda: "known",
        "contains": lambda: f"with “{shown[0]}” in it",
        "older than days": lambda: f"more than {_days(int(shown[0]))} ago",
        "newer than days": lambda: f"within the last {_days(int(shown[0]))}",
    }
    if any(isinstance(value, datetime) for value in rule.values):
        words |= {
            "<": lambda: f"before {shown[0]}",
            "<=": lambda: f"by {shown[0]}",
            ">": lambda: f"after {shown[0]}",
            ">=": lambda: f"on or after {shown[0]}",
        }
    return f"{title}: {words[rule.test]()}"


def _shown(value: Value, currency: str | None) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%-d %B %Y}"
    return formats.money(int(value), currency) if currency and not isinstance(value, str) else str(value)
