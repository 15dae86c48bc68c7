"""A campaign's file as a form and as YAML, side by side: each changes the other, and nothing is kept before it is saved."""

from collections.abc import Iterable, Mapping
from typing import Any

import streamlit as st
import yaml

from dashboard import session
from dashboard.components import desk, file_form, frame, words
from dashboard.components.audience import channel_words
from dashboard.components.file_form import Fields, Read
from dashboard.components.segment_draft import name_of
from dashboard.services import Services
from data_contracts.errors import RapportError
from messaging.campaigns import save_campaign
from messaging.campaigns.editing import Path, changed
from messaging.campaigns.schedule import WEEKDAYS

CHANNELS = ("preferred", "email", "sms", "whatsapp")
TIMES = {
    "": "When somebody launches it",
    "once": "Once",
    "day": "Every day",
    "week": "Every week",
    "month": "Every month",
}
HEIGHT = 640
EDITED = "campaigns_edited"  # the key under which a session keeps whose editor it has opened


def editor(parts: Services, name: str) -> None:
    """Draw both, and what is wrong with what stands there."""
    key, may_save = draft(name), session.may("campaign.save")
    if key not in st.session_state:
        _read(parts, name)
    st.session_state.setdefault(EDITED, set()).add(name)
    left, right = st.container(key="pair_edit").columns(2, gap="medium")
    with right, st.container(border=True):
        frame.section("The file", "What stands here is what is saved; comments are yours and stay.")
        file_form.text_area(key, height=HEIGHT, disabled=not may_save)
    text = str(st.session_state[key])
    with left, st.container(border=True):
        frame.section("The form", "The main things; whatever else a file can say stays as it is.")
        _form(parts, name, text)
    with left:
        _check(parts, name, text)
        with st.container(horizontal=True, vertical_alignment="center"):
            if may_save:
                st.button(
                    "Save",
                    type="primary",
                    disabled=file_form.is_saved(key),
                    on_click=_save,
                    args=(parts, name),
                )
            st.button("Read the file again", key=f"again_{name}", on_click=_read, args=(parts, name))
            file_form.state(key)
        desk.told()


def draft(name: str) -> str:
    """Name the key under which a session keeps a campaign's text that is not saved yet."""
    return f"draft_{name}"


def unsaved() -> list[str]:
    """Name the campaigns whose text this session changed and did not save."""
    return sorted(name for name in st.session_state.get(EDITED, ()) if not file_form.is_saved(draft(name)))


def take_back(names: Iterable[str]) -> None:
    """Know again whose texts are not saved."""
    st.session_state.setdefault(EDITED, set()).update(names)


def begin(parts: Services, title: str, like: str) -> str | None:
    """Begin a campaign that is not there yet as another one is; give its name, or tell why it cannot be."""
    name = name_of(title)
    if not name:
        st.session_state[desk.TOLD] = RapportError(
            "That is no name of a campaign.", "Use letters and digits."
        )
        return None
    if name in parts.planner.library.names("campaigns"):
        st.session_state[desk.TOLD] = RapportError(f"There is a campaign {name!r}.", "Choose another name.")
        return None
    said = {("title",): title.strip(), ("holdout", "salt"): name}  # a lot of its own
    try:
        file_form.put(draft(name), changed(parts.planner.library.campaign_text(like), said))
    except RapportError as error:
        st.session_state[desk.TOLD] = error
        return None
    return name


def _read(parts: Services, name: str) -> None:
    path = parts.planner.library.folder / "campaigns" / f"{name}.yaml"
    file_form.read(draft(name), path.read_text(encoding="utf-8") if path.exists() else None)


def _save(parts: Services, name: str) -> None:
    planner, key = parts.planner, draft(name)
    text = str(st.session_state[key])

    def work() -> None:
        saved = save_campaign(
            planner.library,
            planner.store,
            name,
            text,
            read=file_form.read_hash(key),
            actor=session.actor(),
            now=planner.clock.now(),
        )
        file_form.was_read(key, saved)

    desk.act("Saved. What runs stays as it was approved; plan it to see what this changes.", work)


def _check(parts: Services, name: str, text: str) -> None:
    try:
        parts.planner.library.content(name, text).compiled(parts.planner.library.contract)
    except RapportError as error:
        frame.trouble(error)
        return
    st.html('<div class="r-muted r-small">This can be planned as it stands.</div>')


def _form(parts: Services, name: str, text: str) -> None:
    try:
        said = yaml.safe_load(text) or {}
    except yaml.YAMLError:
        said = None
    if not isinstance(said, dict):
        st.html('<div class="r-muted">The form comes back when the file can be read.</div>')
        return
    library = parts.planner.library
    field = Fields(draft(name), said, disabled=not session.may("campaign.save"))
    field.text("Title", ("title",))
    field.area("What it is for", ("description",))
    field.choice("Segment", ("segment",), library.names("segments"), words.title)
    if "variants" not in said:
        field.choice("Template", ("template",), library.template_names(), words.title)
    field.several("Channels, the first that we may use", ("channels",), CHANNELS, channel_words)
    left, right = st.columns(2)
    with left:
        field.percent("Held out to compare (%)", ("holdout", "share"), 50)
    with right:
        field.number("Nobody twice within days", ("again_after_days",), 3650)
    with left:
        field.number("At most an hour (0: as fast as it goes)", ("per_hour",), 1_000_000)
    with right:
        field.choice("At which hour", ("send_time",), ["", "usual_hour"], _hour)
    _schedule(field, said)
    field.tick("In shadow: planned day after day, never sent", ("shadow",))


def _hour(value: str) -> str:
    return "At the hour at which each usually answers" if value else "As it is launched"


def _schedule(field: Fields, said: Mapping[str, Any]) -> None:
    known = said.get("schedule")
    now: Mapping[Any, Any] = known if isinstance(known, dict) else {}
    every = str(now.get("every") or ("once" if now else ""))
    left, middle, right = st.columns([5, 3, 3]) if every else [st.container()] * 3
    times = {"options": [*TIMES], "index": _at([*TIMES], every), "format_func": TIMES.get}
    with left:
        field.draw(st.selectbox, "When", "every", _schedule_of, times)
    if not every:
        return
    if every in {"week", "month"}:
        days = [*WEEKDAYS] if every == "week" else [*map(str, range(1, 32)), "last"]
        place = _at(days, str(now.get("on", now.get(True))))
        shown = {"options": days, "index": place, "format_func": str.capitalize}
        with middle:
            field.draw(st.selectbox, "On", "on", _schedule_of, shown)
    sample = "2026-12-01T10:00" if every == "once" else "10:00"
    with right:
        hour = {"value": str(now.get("at") or ""), "placeholder": sample}
        field.draw(st.text_input, "At", "at", _schedule_of, hour)
    field.tick("By each customer's own clock", ("schedule", "customer_local"))


def _schedule_of(read: Read) -> dict[Path, Any]:
    every, hour = read("every"), str(read("at") or "")
    if not every:
        return {("schedule",): None}
    is_day = "T" in hour or " " in hour
    at = (
        hour if hour and is_day == (every == "once") else ("2030-01-01T10:00" if every == "once" else "10:00")
    )
    found: dict[Path, Any] = {
        ("schedule", "at"): at,
        ("schedule", "every"): None if every == "once" else every,
        ("schedule", "on"): None,
    }
    if every in {"week", "month"}:
        legal = WEEKDAYS if every == "week" else (*map(str, range(1, 32)), "last")
        found["schedule", "on"] = read("on") if read("on") in legal else legal[0]
    return found


def _at(options: list[str], value: str) -> int:
    return options.index(value) if value in options else 0
