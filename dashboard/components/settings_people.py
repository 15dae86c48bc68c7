"""Colleagues and their roles: invited by a link that is shown once, given other roles, or their account ended."""

from urllib.parse import urlsplit

import streamlit as st

from dashboard.components import frame
from dashboard.components.settings_told import do, once, told
from dashboard.components.tiles import Row, chip, rows
from dashboard.components.words import safe
from dashboard.door.gate import utc_now
from dashboard.services import Services
from dashboard.session import actor, may
from messaging import users
from messaging.access import ROLE_WORDS, ROLES
from messaging.users import User

APP = "http://127.0.0.1:8501"
LINK = "Give this link to {name}: it leads in, once, within a day. It is not shown again."


def colleagues(parts: Services) -> None:
    """List the accounts to who may change them, and say to everybody what each role is for."""
    if may("user.invite"):
        frame.section("Colleagues", "Who gets other roles, or loses the account, is signed out at once.")
        told()
        with parts.store.read() as connection:
            found = users.list_users(connection)
        for user in found:
            _one(parts, user)
        _invite(parts)
    frame.section("What each role is for", "Who may do what in detail: docs/app_access.md.")
    rows([Row(role.capitalize(), ROLE_WORDS[role]) for role in ROLES])
    if not may("user.invite"):
        st.html(
            '<div class="r-muted r-small">Accounts are for admins: ask one of them for another role.</div>'
        )


def _one(parts: Services, user: User) -> None:
    left, right = st.columns([5, 2], vertical_alignment="center")
    state = (
        chip("Ended")
        if user.disabled_at
        else chip("Signs in", "good")
        if user.joined
        else chip("No password set yet", "warn")
    )
    theirs = ", ".join(role for role in ROLES if role in user.roles)
    name = f'<span class="r-strong r-named">{safe(user.name)}</span>'
    left.html(f'<div class="r-chips">{name}{state}</div><div class="r-muted r-small">{safe(theirs)}</div>')
    if user.disabled_at is not None:
        return
    with right.popover("Change", key=f"set_user_{user.user_id}", width="stretch"):
        key = f"set_roles_{user.user_id}"
        st.multiselect("Roles", ROLES, default=[role for role in ROLES if role in user.roles], key=key)
        st.button("Save the roles", key=f"set_save_{user.user_id}", on_click=_roles, args=(parts, user, key))
        if may("user.renew"):
            st.button("New link", key=f"set_link_{user.user_id}", on_click=_renew, args=(parts, user))
        sure = st.checkbox("The account may end", key=f"set_sure_{user.user_id}")
        st.button(
            "End the account",
            key=f"set_end_{user.user_id}",
            on_click=_disable,
            args=(parts, user),
            disabled=not sure,
        )


def _invite(parts: Services) -> None:
    with st.form("set_invite", border=False):
        name, roles = st.columns(2)
        name.text_input("Name", key="set_invite_name", max_chars=users.NAME_LIMIT, placeholder="Ada Lovelace")
        roles.multiselect("Roles", ROLES, key="set_invite_roles", placeholder="Choose one or more")
        st.form_submit_button("Invite", type="primary", on_click=_invited, args=(parts,))


def _invited(parts: Services) -> None:
    def work() -> str:
        name, roles = st.session_state["set_invite_name"], st.session_state["set_invite_roles"]
        with parts.store.write() as connection:
            user, token = users.invite(connection, name, roles, actor(), utc_now())
        once(_link(token))
        return LINK.format(name=user.name)

    do(work)


def _renew(parts: Services, user: User) -> None:
    def work() -> str:
        with parts.store.write() as connection:
            token = users.renew(connection, user.user_id, actor(), utc_now())
        once(_link(token))
        return LINK.format(name=user.name)

    do(work)


def _roles(parts: Services, user: User, key: str) -> None:
    def work() -> str:
        with parts.store.write() as connection:
            changed = users.set_roles(connection, user.user_id, st.session_state[key], actor(), utc_now())
        return f"{changed.name} is {' and '.join(sorted(changed.roles))} now."

    do(work)


def _disable(parts: Services, user: User) -> None:
    def work() -> str:
        with parts.store.write() as connection:
            users.disable(connection, user.user_id, actor(), utc_now())
        return f"{user.name} cannot sign in any more."

    do(work)


def _link(token: str) -> str:
    """Give the address at which a link leads in, where this page was opened."""
    here = urlsplit(st.context.url or APP)
    return f"{here.scheme}://{here.netloc}/join?link={token}"
