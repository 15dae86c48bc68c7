"""A file of one's own: looked at, mapped, tried on its first rows, and landed."""

import shutil
import time
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any

import streamlit as st

from dashboard import commands, session
from dashboard.components import desk, frame, words
from dashboard.components.tiles import Row, Tile, rows, tiles
from dashboard.components.words import safe
from dashboard.services import Services
from data_contracts.contracts import contract_names, load_contract
from data_contracts.errors import UsageError
from messaging.desk import health, masking

KINDS = ("csv", "tsv", "txt", "json", "jsonl", "ndjson")
SHOWN = "own_shown"  # what the file was seen to be
TURN = "own_turn"  # how many files were landed in this session
KEPT = 3600  # seconds that a copy is kept which nobody landed
WIDEST = 60  # letters of a cell


def drop(parts: Services) -> None:
    """Take a file and say what it is of; then show what a mapping makes of it."""
    tables = contract_names("inbound")
    left, right = st.columns([2, 1])
    table = right.selectbox(
        "What is in it?",
        tables,
        index=tables.index("purchases"),
        key="own_table",
        format_func=words.table_name,
        help="Each of these has a data check of its own.",
    )
    right.html(f'<div class="r-muted r-small">{safe(load_contract(table).purpose)}</div>')
    label, key = "A file with a header, as it was exported", f"own_file_{st.session_state.get(TURN, 0)}"
    given = left.file_uploader(label, type=[*KINDS], key=key)
    if given is None:
        _forget()
        frame.empty("No file yet", "Drop one above. Nothing lands before you have seen what is made of it.")
        return
    mark = (given.file_id, table)
    if st.session_state.get(SHOWN, {}).get("mark") != mark:
        _look(parts, given.name, given.getvalue(), table, mark)
    shown = st.session_state.get(SHOWN, {})
    if shown.get("mark") == mark:
        _proposed(parts, shown, table)


def _look(parts: Services, name: str, content: bytes, table: str, mark: object) -> None:
    _forget()
    _tidy(_folder(parts))
    path = _folder(parts) / token_hex(8) / _plain(name)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    try:
        with st.spinner("Looking what is in it ..."):
            found = commands.ask(parts.settings, "ingest", table, str(path), "--suggest-map")
    except Exception:
        shutil.rmtree(path.parent, ignore_errors=True)
        raise
    st.session_state[SHOWN] = {"mark": mark, "path": path, "found": found}
    st.session_state["own_map"] = found["yaml"]


def _proposed(parts: Services, shown: dict[str, Any], table: str) -> None:
    found = shown["found"]
    tiles(
        [
            Tile("Rows", words.number(found["rows"]), f"the first {words.number(found['tried'])} were tried"),
            Tile("Would land", words.number(found["accepted"])),
            Tile("Would be set aside", words.number(found["quarantined"])),
            Tile("Stand there twice", words.number(found["already_landed"])),
        ],
        dense=True,
    )
    if found["looks_like"]:
        rows([Row(f"It looks more like {words.table_name(found['looks_like'])}.", state="amber")])
    rows(
        [
            Row(words.title(rule), "", words.count(count, "row"), "amber")
            for rule, count in found["reasons"].items()
        ]
    )
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True):
        frame.section(
            "How it is read",
            "Proposed from the header and the values: read it through, and mend what is wrong.",
        )
        st.text_area("Mapping", key="own_map", height=380, label_visibility="collapsed")
    with right, st.container(border=True):
        frame.section("What becomes of its rows", "The first ones, as they would land.")
        _rows([masking.landed(load_contract(table), row, session.sight()) for row in found["shown"]])
    if session.may("file.land"):
        st.button(
            "Land it", key="own_land", type="primary", on_click=_land, args=(parts, shown["path"], table)
        )


def _rows(shown: list[dict[str, Any]]) -> None:
    columns = [*shown[0]] if shown else []
    heads = "".join(f"<th>{place}</th>" for place in range(1, len(shown) + 1))
    lines = []
    for name in columns:
        cells = "".join(f"<td>{safe(_cell(row[name]))}</td>" for row in shown)
        lines.append(f'<tr><th scope="row">{safe(name)}</th>{cells}</tr>')
    st.html(
        f'<div class="r-scroll"><table class="r-table"><tr><th></th>{heads}</tr>{"".join(lines)}</table></div>'
    )


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"


def _land(parts: Services, path: Path, table: str) -> None:
    desk.act("Landed. Build, and it is in the view of each customer.", partial(_take, parts, path, table))
    if not isinstance(st.session_state.get(desk.TOLD), Exception):
        _forget()
        st.session_state[TURN] = st.session_state.get(TURN, 0) + 1  # an empty place for the next file


def _take(parts: Services, path: Path, table: str) -> None:
    mapping = path.with_name("mapping.yaml")
    mapping.write_text(str(st.session_state["own_map"]), encoding="utf-8")
    found = st.session_state[SHOWN]["found"]
    health.landed(parts.store, parts.clock, table, int(found["rows"]), actor=session.actor())
    with st.spinner("Landing it ..."):
        commands.ask(parts.settings, "ingest", table, str(path), "--map", str(mapping))


def _forget() -> None:
    """Throw away the copy of a file that was looked at: it holds people's data."""
    if (shown := st.session_state.pop(SHOWN, None)) is not None:
        shutil.rmtree(shown["path"].parent, ignore_errors=True)


def _tidy(folder: Path) -> None:
    """Throw away copies that were looked at and left: whoever closes the page tells nobody."""
    for each in folder.glob("*"):
        if each.stat().st_mtime < time.time() - KEPT:
            shutil.rmtree(each, ignore_errors=True)


def _folder(parts: Services) -> Path:
    return parts.settings.home.absolute() / "uploads"


def _plain(name: str) -> str:
    """Give a file's own name without any folder. Raises UsageError where nothing is left of it."""
    bare = Path(name.replace("\\", "/")).name
    if not bare.strip(". "):
        raise UsageError("This file has no name.", "Give it one, with its ending.")
    return bare[-120:]
