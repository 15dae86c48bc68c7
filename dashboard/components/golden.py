"""Where the details of a customer come from: small, for the day when somebody doubts one."""

from collections.abc import Sequence

import streamlit as st

from dashboard.components import words
from dashboard.components.tiles import Row, rows
from messaging.customers import GoldenValue

TOGETHER = {  # what is taken from one record together is shown together
    "Name": ("given_name", "family_name"),
    "Born": ("birth_date",),
    "E-mail": ("email",),
    "Phone": ("phone",),
    "Address": ("street", "postcode", "city"),
    "Country": ("country",),
    "Language": ("language",),
    "Time zone": ("time_zone",),
}


def origins(values: Sequence[GoldenValue], zone: str) -> None:
    """List each detail with the record that it was taken from, folded away; nothing where nothing is known."""
    lines = [
        line for label, attributes in TOGETHER.items() for line in _line(label, attributes, values, zone)
    ]
    if lines:
        with st.expander("Where do these details come from?"):
            rows(lines)


def origin(value: GoldenValue, zone: str) -> str:
    """Say where a value comes from: from the shop contact record, 3 May 2026; 1 other value, but this one is …."""
    where = f"from {value.record}, {words.day(value.occurred_at, zone)}"
    if value.candidates == 1:
        return where
    return f"{where}; {words.count(value.candidates - 1, 'other value')}, but {value.reason}"


def _line(label: str, attributes: Sequence[str], values: Sequence[GoldenValue], zone: str) -> list[Row]:
    known = {value.attribute: value for value in values}
    parts = [known[attribute] for attribute in attributes if attribute in known]
    if not parts:
        return []
    return [Row(" ".join(part.value for part in parts), f"{label}, {origin(parts[0], zone)}")]
