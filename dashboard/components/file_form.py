"""A file's text while a colleague writes it, and widgets that put their keys into it at once; the text is what counts."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard.components.desk import TOLD
from dashboard.components.tiles import chip
from data_contracts.errors import RapportError
from messaging.campaigns.editing import Path, changed
from messaging.template_versions import text_hash

Read = Callable[[str], Any]
Changes = Callable[[Read], Mapping[Path, Any]]


OPENED = "files_opened"  # the key under which a session keeps the keys of all texts that it has


def text_area(key: str, *, height: int, disabled: bool) -> None:
    """Draw the text itself. The session keeps it under `key` also while another part of the page is looked at."""
    drawn = f"{key}_area_{st.session_state.get(f'{key}_written', 0)}"
    st.text_area(
        "The file's text",
        value=str(st.session_state[key]),
        key=drawn,
        height=height,
        disabled=disabled,
        label_visibility="collapsed",
        on_change=_typed,
        args=(key, drawn),
    )


def put(key: str, text: str) -> None:
    """Put another text in the place of the one that stands there; the form and the area begin anew from it."""
    st.session_state[key] = text
    st.session_state.setdefault(OPENED, set()).add(key)
    _count(f"{key}_typed")
    _count(f"{key}_written")


def read(key: str, text: str | None) -> None:
    """Begin from what stands in a file, or from nothing where there is none."""
    put(key, text or "")
    was_read(key, None if text is None else text_hash(text))


def was_read(key: str, hashed: str | None) -> None:
    """Remember what stands in the file by now; None where there is none."""
    st.session_state[f"{key}_read"] = hashed


def read_hash(key: str) -> str | None:
    """Give the hash of what stood in the file when it was read last, or saved."""
    found: str | None = st.session_state.get(f"{key}_read")
    return found


def is_saved(key: str) -> bool:
    """Say whether nothing would be lost: the text is what was read, or there is none and never was."""
    text = str(st.session_state.get(key) or "")
    return text_hash(text) == read_hash(key) or (not text and read_hash(key) is None)


def state(key: str) -> None:
    """Say so where the text is not what stands in the file."""
    if not is_saved(key):
        st.html(chip("Changed, not saved" if read_hash(key) else "New, not saved", "warn"))


def unsaved() -> dict[str, tuple[str, str | None]]:
    """Give the texts that differ from what was read of their files, and the hash of that, by key."""
    opened = [key for key in st.session_state.get(OPENED, ()) if not is_saved(key)]
    return {key: (str(st.session_state[key]), read_hash(key)) for key in opened}


def take_back(texts: Mapping[str, tuple[str, str | None]]) -> None:
    """Put texts that were not saved in their places again, as `unsaved` gave them."""
    for key, (text, hashed) in texts.items():
        put(key, text)
        was_read(key, hashed)


def _typed(key: str, drawn: str) -> None:
    st.session_state[key] = st.session_state[drawn]
    _count(f"{key}_typed")  # the form begins anew


def _count(key: str) -> None:
    st.session_state[key] = st.session_state.get(key, 0) + 1


class Fields:
    """The fields of one form: `key` is where the session keeps the file's text, `said` what stands in it."""

    def __init__(self, key: str, said: Mapping[str, Any], *, disabled: bool) -> None:
        self._key, self._said, self._disabled = key, said, disabled
        self._prefix = f"{key}_form_{st.session_state.get(f'{key}_typed', 0)}_"

    def text(self, label: str, path: Path) -> None:
        """Draw a line of text."""
        self._one(st.text_input, label, path, {"value": str(self._value(path) or "")})

    def area(self, label: str, path: Path) -> None:
        """Draw some lines of text."""
        self._one(st.text_area, label, path, {"value": str(self._value(path) or "").strip(), "height": 90})

    def choice(self, label: str, path: Path, options: Sequence[str], named: Callable[[str], str]) -> None:
        """Draw a choice of one; what stands in the file is one of them, also where there is no such thing."""
        value = str(self._value(path) or "")
        known = [*options] if value in options else [value, *options]
        self._one(
            st.selectbox, label, path, {"options": known, "index": known.index(value), "format_func": named}
        )

    def several(self, label: str, path: Path, options: Sequence[str], named: Callable[[str], str]) -> None:
        """Draw a choice of some, in the order in which they are chosen."""
        value = self._value(path)
        chosen = [str(each) for each in value] if isinstance(value, list) else []
        known = [*dict.fromkeys([*chosen, *options])]
        self._one(st.multiselect, label, path, {"options": known, "default": chosen, "format_func": named})

    def number(self, label: str, path: Path, largest: int) -> None:
        """Draw a whole number from 0; 0 takes the key out."""
        value = self._value(path)
        whole = value if isinstance(value, int) and 0 <= value <= largest else 0
        self._one(st.number_input, label, path, {"value": whole, **_up_to(largest)})

    def percent(self, label: str, path: Path, largest: int) -> None:
        """Draw a share, which the file has as a part of 1, in whole percent; 0 takes the key out."""
        value, field = self._value(path), "_".join(path)
        share = round(value * 100) if isinstance(value, int | float) and 0 <= value * 100 <= largest else 0

        def changes(read: Read) -> Mapping[Path, Any]:
            return {path: read(field) / 100 or None}

        self.draw(st.number_input, label, field, changes, {"value": share, **_up_to(largest)})

    def tick(self, label: str, path: Path) -> None:
        """Draw a box; without its tick the key is taken out."""
        self._one(st.checkbox, label, path, {"value": self._value(path) is True})

    def draw(
        self, widget: Callable[..., Any], label: str, field: str, changes: Changes, options: Mapping[str, Any]
    ) -> None:
        """Draw any widget under the name of a field; `changes` says what it makes of the file."""
        key = self._prefix + field
        widget(label, key=key, on_change=self._write, args=(changes,), disabled=self._disabled, **options)

    def _one(self, widget: Callable[..., Any], label: str, path: Path, options: Mapping[str, Any]) -> None:
        field = "_".join(path)
        self.draw(widget, label, field, lambda read: {path: read(field) or None}, options)

    def _value(self, path: Path) -> Any:
        place: Any = self._said
        for key in path:
            place = place.get(key) if isinstance(place, dict) else None
        return place

    def _write(self, changes: Changes) -> None:
        found = changes(lambda field: st.session_state.get(self._prefix + field))
        try:
            st.session_state[self._key] = changed(str(st.session_state[self._key]), found)
            _count(f"{self._key}_written")  # the area begins anew
        except RapportError as error:
            st.session_state[TOLD] = error


def _up_to(largest: int) -> dict[str, int]:
    return {"min_value": 0, "max_value": largest, "step": 1}
