"""Words for people: a number with its noun, and the sentence of a rule that follows from a column."""

from datetime import date, datetime

from data_contracts.model import Bound

_KINDS = {
    "VARCHAR": "a text",
    "BOOLEAN": "either true or false",
    "TIMESTAMP": "a date with a time of day",
    "DATE": "a date",
    "DOUBLE": "a number",
}


def counted(number: int, one: str, many: str = "") -> str:
    """Write a number with its noun: 1 day, 2 days; `many` is the plural where that is more than an s."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def of_type(title: str, kind: str) -> str:
    """Say that what stands in the column can be read as its type."""
    return f"“{title}” can be read as {_KINDS.get(kind, 'a whole number')}."


def of_presence(title: str) -> str:
    """Say that the column is filled in every row."""
    return f"“{title}” is never missing."


def of_form(title: str) -> str:
    """Say that a pattern holds; nobody reads a pattern, so a contract had better bring a sentence of its own."""
    return f"“{title}” is written in the form that was agreed."


def of_values(title: str, values: tuple[str, ...]) -> str:
    """Name the values of a list, or the first of a long one."""
    shown = ", ".join(values[:20])
    return f"“{title}” is one of {shown}{' and so on' if len(values) > 20 else ''}."


def of_length(title: str, low: Bound | None, high: Bound | None) -> str:
    """Say how many characters a text has."""
    if low is None:
        return f"“{title}” is at most {amount(high)} characters long."
    if high is None:
        return f"“{title}” is at least {amount(low)} characters long."
    return f"“{title}” is {amount(low)} to {amount(high)} characters long."


def of_range(title: str, low: Bound | None, high: Bound | None) -> str:
    """Say between which bounds a number or a moment lies."""
    moment = isinstance(low if low is not None else high, str)
    if low is None:
        return f"“{title}” is {'not after' if moment else 'at most'} {amount(high)}."
    if high is None:
        return f"“{title}” is {'not before' if moment else 'at least'} {amount(low)}."
    return f"“{title}” lies between {amount(low)} and {amount(high)}."


def of_freshness(table: str, hours: float) -> str:
    """Say how old the newest row may be."""
    return f"The newest row of {table.replace('_', ' ')} is at most {span(hours)} old."


def amount(bound: Bound | None) -> str:
    """Write a bound for people: 1,000,000 or 2 January 1970."""
    if isinstance(bound, str):
        day = datetime.fromisoformat(bound) if "T" in bound else date.fromisoformat(bound)
        return f"{day.day} {day:%B %Y}"
    return f"{bound:,}"


def span(hours: float) -> str:
    """Write a time span for people: 12 hours, 1 day, 3 days."""
    number, unit = (hours / 24, "day") if hours % 24 == 0 else (hours, "hour")
    return f"{number:g} {unit}{'' if number == 1 else 's'}"
