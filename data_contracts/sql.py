"""A piece of SQL with its values apart, so that no value is ever written into a statement.

Build with `sql("{} = {}", name("city"), value("Rome"))`; run with `connection.execute(piece.text, piece.params)`.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Sql:
    """A statement or a part of one: its text with a `?` for each value, and the values in that order."""

    text: str
    params: tuple[object, ...] = ()

    @property
    def bound(self) -> list[object]:
        """The values as the list that a DuckDB connection takes."""
        return list(self.params)


def quote(identifier: str) -> str:
    """Quote the name of a column or table."""
    return '"' + identifier.replace('"', '""') + '"'


def name(identifier: str) -> Sql:
    """Name a column or table."""
    return Sql(quote(identifier))


def value(item: object) -> Sql:
    """Bind a value."""
    return Sql("?", (item,))


def sql(template: str, *parts: Sql) -> Sql:
    """Fill each `{}` of the template with a piece; the template itself is a constant of the code."""
    text = template.format(*(part.text for part in parts))
    return Sql(text, tuple(item for part in parts for item in part.params))


def joined(separator: str, parts: Iterable[Sql]) -> Sql:
    """Put a separator such as ", " between pieces."""
    pieces = list(parts)
    return Sql(
        separator.join(part.text for part in pieces), tuple(item for part in pieces for item in part.params)
    )
