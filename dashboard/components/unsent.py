"""Words that a colleague has begun to write to or about a customer: they are there again when the customer is.

Streamlit forgets what stands in a field as soon as a page is drawn without it.
"""

from collections.abc import Mapping

import streamlit as st

BEGUN = "words_begun"  # the key under which a session keeps the words of such fields, by their keys


def field(key: str) -> str:
    """Give back the key of a field that is about to be drawn, with what was begun in it before."""
    begun: dict[str, str] = st.session_state.setdefault(BEGUN, {})
    if begun.setdefault(key, "") and key not in st.session_state:
        st.session_state[key] = begun[key]
    return key


def is_begun(prefix: str) -> bool:
    """Say whether a field whose key begins so holds words: what it stands in is drawn open then."""
    begun: dict[str, str] = st.session_state.get(BEGUN, {})
    return any(text for key, text in begun.items() if key.startswith(prefix))


def changed() -> dict[str, str]:
    """Note what was written since the last run, and give it by the fields' keys; nothing is left of what was sent."""
    begun: dict[str, str] = st.session_state.get(BEGUN, {})
    now = {key: str(st.session_state[key] or "") for key in begun if key in st.session_state}
    differ = {key: text for key, text in now.items() if text != begun[key]}
    begun |= differ
    return differ


def take_back(texts: Mapping[str, str]) -> None:
    """Begin a session with what was begun in an earlier one."""
    st.session_state[BEGUN] = {**texts, **st.session_state.get(BEGUN, {})}
