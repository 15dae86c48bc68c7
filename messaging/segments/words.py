"""A rule in words, for whoever does not read YAML."""

from collections.abc import Callable
from collections.abc import Sequence as Series
from datetime import datetime

from data_contracts.model import Contract
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


def describe(rule: Rule, contract: Contract) -> str:  # noqa: PLR0911 - one for each kind of rule
    """Say a rule in words; the columns' titles are those of customer_360's contract."""
    match rule:
        case Comparison():
            return _comparison(rule, contract.column(rule.column).title)
        case Did():
            return f"{say_touches(rule.touches)} {_often(rule)}{_ago(rule.ago)}"
        case Sequence():
            steps = ", then ".join(say_touches(each) for each in rule.steps)
            without = f", without {say_touches(rule.without)}" if rule.without else ""
            return f"{steps} within {_days(rule.within_days)}{without}{_ago(rule.ago, ', begun')}"
        case Listed():
            return f"on the list “{rule.name}”"
        case Sample():
            return f"among {rule.percent:g} % drawn by lot “{rule.salt}”"
        case Named():
            return f"among “{rule.title}”"
        case Joined():
            if rule.word == "not":
                return f"not ({describe(rule.rules[0], contract)})"
            parts = [describe(each, contract) for each in rule.rules]
            parts = [
                f"({part})" if isinstance(each, Joined) else part
                for part, each in zip(parts, rule.rules, strict=True)
            ]
            return f" {'and' if rule.word == 'all' else 'or'} ".join(parts)


def say_touches(touches: Touches) -> str:
    """Say in words which touches are meant."""
    columns = dict(touches.columns)
    kinds = columns.pop("kind", ())
    words = _or([KINDS[each][0] for each in kinds]) if kinds else "anything"
    says = f" “{touches.says}”" if touches.says is not None else ""
    rest = [f"{column} {_or(values)}" for column, values in columns.items()]
    if touches.at_least_minor is not None:
        rest.append(f"of at least {touches.at_least_minor:,} minor units")
    if touches.at_most_minor is not None:
        rest.append(f"of at most {touches.at_most_minor:,} minor units")
    return words + says + (f" ({', '.join(rest)})" if rest else "")


def _often(rule: Did) -> str:
    if rule.at_most is None:
        return "at least once" if rule.at_least == 1 else f"at least {rule.at_least} times"
    if rule.at_most == 0:
        return "never"
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


def _comparison(rule: Comparison, title: str) -> str:
    shown = [_shown(value) for value in rule.values]
    words: dict[str, Callable[[], str]] = {
        "=": lambda: f"{title} is {shown[0]}",
        "!=": lambda: f"{title} is not {shown[0]}",
        "<": lambda: f"{title} is below {shown[0]}",
        "<=": lambda: f"{title} is at most {shown[0]}",
        ">": lambda: f"{title} is above {shown[0]}",
        ">=": lambda: f"{title} is at least {shown[0]}",
        "in": lambda: f"{title} is {' or '.join(shown)}",
        "not in": lambda: f"{title} is none of {', '.join(shown)}",
        "between": lambda: f"{title} is from {shown[0]} to {shown[1]}",
        "is null": lambda: f"{title} is not known",
        "is not null": lambda: f"{title} is known",
        "contains": lambda: f"{title} contains “{shown[0]}”",
        "older than days": lambda: f"{title} is more than {shown[0]} days ago",
        "newer than days": lambda: f"{title} is within the last {shown[0]} days",
    }
    return words[rule.test]()


def _shown(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:%-d %B %Y}" if isinstance(value, datetime) else str(value)
