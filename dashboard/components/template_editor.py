"""A template's text beside what a customer would see of it; nothing is kept before it is saved."""

from functools import partial
from html import escape

import streamlit as st

from dashboard import session
from dashboard.components import desk, file_form, frame, words
from dashboard.components.previews import phone
from dashboard.components.tiles import Row, rows
from dashboard.components.words import safe
from dashboard.services import Services, desk_of
from data_contracts.errors import RapportError
from messaging.addresses import read_addresses
from messaging.campaigns import Library
from messaging.desk import masking
from messaging.desk.templates import findings, looked_at, self_contained
from messaging.templates.editing import save_template
from messaging.templates.previews import Preview, send_test

File = tuple[str, str, str]  # channel, name, language
HEIGHT = 560
CERTAIN = 0.97
LEVELS = {"error": "red", "warning": "amber"}


def editor(parts: Services, file: File) -> None:
    """Draw the text on the left, and on the right whoever it is shown as."""
    key = "draft_" + "_".join(file)
    library, may_save = parts.planner.library, session.may("template.save")
    if key not in st.session_state:
        _read(library, file, key)
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True):
        frame.section("The text", "Its head stands between the two lines of ---.")
        file_form.text_area(key, height=HEIGHT, disabled=not may_save)
    text = str(st.session_state[key])
    draft = library.with_template(*file, text)
    with left:
        if may_save:
            same = file_form.is_saved(key)
            args = (parts, file, key)
            with st.container(horizontal=True, vertical_alignment="center"):
                st.button("Save", type="primary", disabled=same, on_click=_save, args=args)
                st.button("Read the file again", on_click=_read, args=(library, file, key))
                file_form.state(key)
        desk.told()
        _findings(draft, file)
    with right, st.container(border=True):
        frame.section("As they see it")
        if not session.may("template.preview"):
            st.html('<div class="r-muted">A preview is of a customer; your role does not see them.</div>')
            return
        _shown(parts, draft, file)


def _findings(draft: Library, file: File) -> None:
    try:
        found = findings(draft, file)
    except RapportError as error:
        frame.trouble(error)
        return
    if not found:
        st.html('<div class="r-muted r-small">Nothing to remark.</div>')
    rows(
        [
            Row(
                each.sentence, each.mend, f"line {each.line}" if each.line else "", LEVELS.get(each.level, "")
            )
            for each in found
        ]
    )


def _shown(parts: Services, draft: Library, file: File) -> None:
    customer_id = _whose(parts)
    seen = (customer_id, file[1])
    actor = None if st.session_state.get("template_seen") == seen else session.actor()
    try:
        sight = session.sight()
        shown = looked_at(desk_of(parts), draft, file, customer_id, sight=sight, actor=actor)
        st.session_state["template_seen"] = seen
    except RapportError as error:
        frame.trouble(error)
        return
    if shown.left_out:
        frame.empty("They would get none", shown.left_out)
    elif shown.channel == "email":
        mail(parts, shown)
    else:
        phone(shown.body or "", parts.settings.twilio_from)
        told = f"{words.count(len(shown.body or ''), 'character')}, {words.count(shown.segment_count or 1, 'segment')}"
        st.html(f'<div class="r-muted r-small">{safe(told)} to pay for</div>')
    if shown.channel == "email" and not shown.left_out and session.may("template.send_test"):
        _test(parts, shown, file[1], customer_id)


def mail(parts: Services, shown: Preview) -> None:
    """Show a mail in a frame that runs no script and asks nobody for anything."""
    head = f"<b>{safe(shown.subject)}</b><br><span>From {safe(parts.settings.mail_sender)}</span>"
    st.html(f'<div class="r-mail"><div class="r-mailhead">{head}</div></div>')
    inside = escape(self_contained(parts.settings, shown.html or ""), quote=True)
    closed = "border:0;width:100%;height:calc(100vh - 4px);background:#fff"
    st.iframe(
        f'<iframe sandbox="" srcdoc="{inside}" title="The mail" style="{closed}"></iframe>', height=HEIGHT
    )
    with st.expander("As plain text"):
        st.text(shown.body or "")


def _whose(parts: Services) -> str | None:
    who = st.text_input(
        "As", key="template_who", placeholder="Anybody: name, e-mail, phone, order; else made up"
    )
    if not who:
        return None
    sight = session.sight()
    hits = [masking.hit(each, sight) for each in parts.customers.find(who)]
    if not hits:
        st.html('<div class="r-muted r-small">Nobody found; this is somebody made up.</div>')
        return None
    certain = [each for each in hits if each.score >= CERTAIN] or hits
    labels = words.apart({each.customer_id: each.display_name or each.customer_id for each in certain})
    return (
        certain[0].customer_id
        if len(certain) == 1
        else st.selectbox("Whom do you mean?", [*labels], format_func=labels.__getitem__)
    )


def _test(parts: Services, shown: Preview, name: str, customer_id: str | None) -> None:
    colleagues = sorted(parts.settings.colleague_addresses)
    if not colleagues:
        what = "Tests go to colleagues: set RAPPORT_COLLEAGUES to their addresses."
        st.html(f'<div class="r-muted r-small">{what}</div>')
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        to = st.selectbox("Send a test to", colleagues, key="template_test")
        st.button("Send the test", on_click=_send, args=(parts, shown, name, to, customer_id))


def _send(parts: Services, shown: Preview, name: str, to: str, customer_id: str | None) -> None:
    addresses = read_addresses(parts.settings, parts.store)
    now, actor = parts.clock.now(), session.actor()
    work = partial(
        send_test, parts.settings, parts.store, addresses, shown, name, to, actor, now, customer_id
    )
    desk.act("The test is on its way, and arrives within minutes.", work)


def _read(library: Library, file: File, key: str) -> None:
    path = library.template_path(*file)
    file_form.read(key, path.read_text(encoding="utf-8") if path.exists() else None)


def _save(parts: Services, file: File, key: str) -> None:
    planner, text = parts.planner, str(st.session_state[key])

    def work() -> None:
        saved = save_template(
            planner.library,
            planner.store,
            file,
            text,
            read=file_form.read_hash(key),
            actor=session.actor(),
            now=planner.clock.now(),
        )
        file_form.was_read(key, saved)

    desk.act("Saved. What is planned or runs stays as it is; plan its campaigns again.", work)
