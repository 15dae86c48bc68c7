"""What surrounds every page: heading, sandbox banner, honest empty states, and failures as sentences."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from traceback import format_tb

import streamlit as st

from dashboard.components.words import safe
from dashboard.services import Services
from data_contracts.errors import RapportError, ReleaseError

log = logging.getLogger("dashboard")


def heading(title: str, purpose: str, services: Services) -> None:
    """Open a page: its name, what it is for in one line, and the banner when nothing here is real."""
    st.title(title, anchor=False)
    st.html(f'<p class="r-purpose">{safe(purpose)}</p>')
    banner(services)


def banner(services: Services) -> None:
    """Say that this is a sandbox, and that the clock is pinned, where that is so."""
    if services.settings.sending != "sandbox":
        return
    sentence = "Nothing leaves this machine: messages go to sandbox phones and mailboxes."
    st.html(f'<div class="r-banner" role="status"><b>SANDBOX</b><span>{safe(sentence)}</span></div>')


def empty(headline: str, what_to_do: str) -> None:
    """Show that there is nothing yet, and what brings something."""
    st.html(f'<div class="r-empty"><strong>{safe(headline)}</strong>{_with_code(what_to_do)}</div>')


def trouble(error: RapportError) -> None:
    """Show a failure as a sentence and its mend."""
    mend = f"<br>{_with_code(error.mend)}" if error.mend else ""
    st.html(f'<div class="r-trouble" role="alert"><strong>{_with_code(error.message)}</strong>{mend}</div>')


def closed(error: RapportError) -> None:
    """Stand in for every page of somebody who is not signed in, or not any more."""
    st.title("You are not signed in", anchor=False)
    trouble(error)
    st.html('<p><a class="r-go" href="/sign-in" target="_self">Sign in</a></p>')


@contextmanager
def explained() -> Iterator[None]:
    """Turn what goes wrong inside the block into something that a person can read.

    Each page wraps its own body, for Streamlit would show an exception itself before app.py saw it.
    """
    try:
        yield
    except ReleaseError as error:
        advice = f"{error} New here? `make demo` makes a whole sample company."
        empty("There are no customers to show yet", advice)
    except RapportError as error:
        trouble(error)
    except Exception as error:  # noqa: BLE001 (the last resort: nobody is shown a stack trace)
        _log(error)
        trouble(RapportError("This page could not be drawn.", "The reason stands in `logs/app.log`."))


def _log(error: Exception) -> None:
    """Log where it went wrong and of what kind it was, but not its message: that may quote a customer."""
    where = "".join(format_tb(error.__traceback__))
    log.error("A page failed with %s:\n%s", type(error).__name__, where)


def follow(key: str, asked: object) -> None:
    """Put what the address asks for into a widget, whenever it asks for something else than before.

    A widget's default is not enough where links stay in the session: a browser may still hold what the widget of this
    key was at another address, and sends that with the next click.
    """
    if key not in st.session_state or st.session_state.get(f"{key}_asked") != asked:
        st.session_state[key] = st.session_state[f"{key}_asked"] = asked


def part(options: Sequence[str], key: str) -> str:
    """Offer the parts of a page, of which `tab` in its address names one; give the one to draw."""
    wanted = st.query_params.get("tab")
    asked = wanted if wanted and wanted in options else options[0]
    follow(key, asked)
    chosen: str | None = st.segmented_control("Part", options, key=key, label_visibility="collapsed")
    return chosen or asked


def section(title: str, note: str = "") -> None:
    """Open a part of a page."""
    st.subheader(title, anchor=False)
    if note:
        st.html(f'<div class="r-muted r-small">{safe(note)}</div>')


def named(title: str, note: str = "") -> None:
    """Open a part whose title somebody else wrote, such as a name: it stays text; `section` reads Markdown."""
    small = f'<div class="r-muted r-small">{safe(note)}</div>' if note else ""
    st.html(f'<h3 class="r-named">{safe(title)}</h3>{small}')


def _with_code(text: str) -> str:
    """Escape a sentence and set what stands between backticks as code."""
    pieces = safe(text).split("`")
    return "".join(f"<code>{piece}</code>" if index % 2 else piece for index, piece in enumerate(pieces))
