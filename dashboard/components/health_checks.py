"""Data checks in words, how fresh each source is, and what was set aside, with the way back in."""

from functools import partial
from typing import Any

import streamlit as st

from dashboard import commands, session
from dashboard.components import desk, frame, words
from dashboard.components.tiles import Row, Tile, rows, tiles
from dashboard.services import Services
from data_contracts.contracts import contract_names, load_contract, published_contract
from messaging.desk import health

STATES = {"green": "all well", "amber": "rows set aside or warned of", "red": "refused: campaigns on it wait"}
FRESH = {"fresh": "green", "late": "amber", "silent": "red"}
KEPT = "kept"


def checks(parts: Services) -> None:
    """List the tables with their checks, the worst first."""
    found = health.tables(parts.customers, parts.store)
    number = {state: sum(each.state == state for each in found) for state in STATES}
    aside = sum(each.set_aside for each in found)
    tiles(
        [
            Tile(
                "Tables",
                words.number(len(found)),
                f"{words.number(sum(len(each.checks) for each in found))} rules",
            ),
            Tile("All well", words.number(number["green"])),
            Tile("With rows set aside", words.number(number["amber"]), f"{words.number(aside)} rows"),
            Tile("Red", words.number(number["red"]), "campaigns on them wait"),
        ],
        dense=True,
    )
    inbound = set(contract_names("inbound"))
    for each in found:
        broken = [check for check in each.checks if check.failed]
        label = f"{words.table_name(each.name)}: {STATES.get(each.state, each.state)}"
        with st.expander(f"{label} · {words.count(each.rows, 'row')}", expanded=each.state == "red"):
            contract = (load_contract if each.name in inbound else published_contract)(each.name)
            rows(
                [
                    Row(
                        contract.purpose or contract.grain,
                        f"version {contract.version}, {contract.owner} answers for it",
                    )
                ]
            )
            rows([_check(check) for check in broken])
            kept = [check for check in each.checks if not check.failed]
            st.html(
                f'<div class="r-muted r-small">{words.count(len(kept), "rule")} held for every row.</div>'
            )
            if st.toggle("Show them too", key=f"kept_{each.name}"):
                rows([_check(check) for check in kept])


def fresh(parts: Services) -> None:
    """List how long each source has been silent, beside how often it usually speaks."""
    lines = [
        Row(
            f"{words.title(each['source'])}: {words.table_name(each['table_name'])}",
            f"{words.count(each['record_count'], 'record')}, on {words.count(each['active_days'], 'day')} of the last 28",
            f"{each['state']}, last on {each['last_day']:%-d %b %Y}" if each["last_day"] else each["state"],
            FRESH.get(each["state"], "amber"),
        )
        for each in health.freshness(parts.customers)
    ]
    if not lines:
        frame.empty("No source yet", "Land a file on the page “Your own data”.")
    rows(lines)


def set_aside(parts: Services) -> None:
    """List the files of which rows wait, and let them be judged again."""
    frame.section(
        "Set aside", "Rows that broke a rule wait here, and count as missing until they are mended."
    )
    document = _quarantine(parts)
    files: list[dict[str, Any]] = document["files"]
    if not files:
        frame.empty("Nothing is set aside", "Every row that came in kept its rules.")
    rows([_file(each) for each in files])
    desk.told()
    if files and session.may("quarantine.replay"):
        tables = sorted({each["table"] for each in files})
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.selectbox("Judge again", ["", *tables], key="replay_table", format_func=_every)
            st.button("Judge again", key="replay", type="primary", on_click=_replay, args=(parts,))
        what = "After a mapping or a contract was mended: what passes now lands, the rest stays here."
        st.html(f'<div class="r-muted r-small">{what}</div>')


@st.cache_data(ttl=60, max_entries=1, show_spinner="Looking what is set aside ...")
def _quarantine(_parts: Services) -> dict[str, Any]:
    return commands.ask(_parts.settings, "quarantine", "list")


def _replay(parts: Services) -> None:
    table = st.session_state.get("replay_table") or None
    desk.act(
        "Judged again: what passes has landed, and comes with the next build.", partial(_judge, parts, table)
    )
    _quarantine.clear()  # for everybody


def _judge(parts: Services, table: str | None) -> None:
    health.replayed(parts.store, parts.clock, table, actor=session.actor())
    with st.spinner("Judging what was set aside ..."):
        commands.ask(parts.settings, "quarantine", "replay", *(("--table", table) if table else ()))


def _every(table: str) -> str:
    return words.table_name(table) if table else "Everything"


def _file(each: dict[str, Any]) -> Row:
    said = {rule.name: rule.sentence for rule in load_contract(each["table"]).rules}
    told = [
        f"{said.get(rule, words.title(rule))} ({words.number(count)})"
        for rule, count in each["reasons"].items()
    ]
    name = f"{words.title(each['source'])}: {words.table_name(each['table'])}"
    note = f"{each['file_name']}: {' '.join(told)}"
    return Row(name, note, words.count(each["rows"], "row"), "amber")


def _check(check: health.Check) -> Row:
    state = "red" if check.state == "refused" else "amber" if check.failed else "green"
    end = f"{words.number(check.failed)} broke it" if check.failed else "held"
    return Row(
        check.sentence, f"{check.owner}, {check.severity}" if check.owner else check.severity, end, state
    )
