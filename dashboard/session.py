"""Who is at the page: the colleague whose session this run of a page belongs to, and what they may do and see.

The store is asked each time, never remembered: a session ends at once when its owner signs out, gets other roles or
another password, also while a page of theirs is open.
"""

import streamlit as st
from sqlalchemy import Connection
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard.door import HEADER
from dashboard.door.gate import utc_now
from dashboard.services import services
from data_contracts.errors import RefusedError
from messaging import access, sign_ins
from messaging.access import Person, Sight

NOBODY = Person("", "nobody", frozenset())  # whose session has ended while they acted


def token() -> str:
    """Give the token of the session that opened this page; the door has set the header."""
    return st.context.headers.get(HEADER) or ""


def me() -> Person:
    """Give the colleague who looks at this page. Raises RefusedError where the session has ended."""
    person = sign_ins.signed_in(services().store, token(), utc_now())
    if person is None:
        raise RefusedError("Your session has ended.", "Sign in again.")
    return person


def who_acts(connection: Connection) -> Person | None:
    """Give who acts in a transaction of this process, or None where no page began it."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return None
    return sign_ins.whose(connection, token(), utc_now()) or NOBODY


def actor() -> str:
    """Give the name that the audit keeps of whoever acts here.

    A click may come after the session has ended: the store refuses what nobody does, and the page says so, where a
    failure in the middle of a button's work would leave Streamlit's own box on a page that is drawn no further.
    """
    return (sign_ins.signed_in(services().store, token(), utc_now()) or NOBODY).name


def may(action: str) -> bool:
    """Say whether to offer an action at all."""
    return access.may(me(), action)


def require(action: str) -> None:
    """Raise RefusedError where the colleague may not do an action."""
    access.require(me(), action)


def sight() -> Sight:
    """Say which personal data to show; a part of the key of every cache that holds any."""
    return access.sight(me())


def sign_out() -> None:
    """End the session of this page."""
    sign_ins.sign_out(services().store, token(), utc_now())
