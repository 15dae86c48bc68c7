"""Quiet hours as sentences: which hours a rule allows, and how often. Pure."""

from collections.abc import Sequence

from messaging.quiet_hours.hours import WHOLE_DAY, Day
from messaging.quiet_hours.rules import Rule

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def hours(day: Day) -> str:
    """Write the hours of a day: 09:00 to 12:00 and 14:00 to 20:00."""
    if not day:
        return "never"
    if day == WHOLE_DAY:
        return "at any hour"
    return " and ".join(f"{_clock(span.start)} to {_clock(span.end)}" for span in day)


def week(days: Sequence[Day]) -> str:
    """Write the hours of a week, days with the same hours together: Monday to Friday 09:00 to 20:00, Sunday never."""
    groups: list[tuple[int, int, Day]] = []
    for number, day in enumerate(days):
        if groups and groups[-1][2] == day:
            groups[-1] = (groups[-1][0], number, day)
        else:
            groups.append((number, number, day))
    return ", ".join(f"{_named(first, last)} {hours(day)}" for first, last, day in groups)


def sentence(rule: Rule) -> str:
    """Write all that a rule says but where it holds and for which channels."""
    said = [week(rule.week)]
    if rule.on_holidays is not None:
        said.append(f"public holidays {hours(rule.on_holidays)}")
    if rule.limit is not None:
        of = "of one campaign " if rule.limit.one_campaign else ""
        many = "message" if rule.limit.messages == 1 else "messages"
        said.append(f"at most {rule.limit.messages} {many} {of}to a person in {_within(rule.limit.hours)}")
    if rule.since is not None:
        said.append(f"from {rule.since:%d %B %Y} on")
    if rule.until is not None:
        said.append(f"until {rule.until:%d %B %Y}")
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}."


def _named(first: int, last: int) -> str:
    if (first, last) == (0, len(DAYS) - 1):
        return "every day"
    if first == last:
        return DAYS[first]
    return f"{DAYS[first]} {'and' if last == first + 1 else 'to'} {DAYS[last]}"


def _within(number: int) -> str:
    days, rest = divmod(number, 24)
    if rest or days <= 1:
        return f"{number} hours"
    return f"{days} days"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
