"""How a contract file tells what is wrong with it: by file, line, and what is legal."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Protocol

from data_contracts.errors import ContractError
from data_contracts.places import Document, Place


class Custom(Protocol):
    """A custom property of the standard."""

    property: str | None
    value: Any


class Extended(Protocol):
    """Whatever may carry custom properties."""

    customProperties: list[Any] | None  # noqa: N815 the standard's own name


@dataclass(frozen=True)
class File:
    """A contract file that is being read."""

    path: Path
    document: Document

    def need(self, condition: object, place: Place, what: str) -> None:
        """Refuse the file unless the condition holds; `what` is a clause about the place."""
        if not condition:
            self.refuse(place, what)

    def refuse(self, place: Place, what: str) -> NoReturn:
        """Refuse the file."""
        raise fault(self.path, self.document.line(place), what)

    def share(self, number: object, place: Place, what: str) -> float:
        """Read a share between 0 and 1."""
        good = isinstance(number, int | float) and not isinstance(number, bool) and 0 <= number <= 1
        self.need(good, place, f"{what} is {number!r}; it is a share between 0 and 1")
        assert isinstance(number, int | float)
        return float(number)

    def custom(self, item: Extended, place: Place, name: str) -> tuple[Any, Place]:
        """Give the value of a custom property of an item, None where it has none, and its place."""
        for index, entry in enumerate(item.customProperties or []):
            if entry.property == name:
                return entry.value, (*place, "customProperties", index, "value")
        return None, place


def fault(path: Path, line: int, what: str) -> ContractError:
    """Make the error of a file."""
    return ContractError(f"The contract {path.name} line {line}: {what}.", "Mend that line.")
