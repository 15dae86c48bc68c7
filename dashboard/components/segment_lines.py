"""One condition of a segment as widgets: what stands in them comes from the draft at each run, and goes back at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any, cast

import streamlit as st

from dashboard.components import segment_words as told
from dashboard.components import words
from dashboard.components.segment_draft import edit_form
from dashboard.components.words import safe
from data_contracts.model import Column
from messaging.desk.writing import Desk
from messaging.segments import Comparison, Segment, describe
from messaging.segments.forms import (
    SEVERAL,
    VALUELESS,
    Line,
    Path,
    about,
    changed,
    first_line,
    lines_of,
    offered_tests,
    shape,
    with_test,
)
from messaging.segments.reading import possible_values
from messaging.segments.rules import Ago, Did, Value

WIDTHS = (3.1, 2.6, 3, 0.6)
WIDE = (2.8, 1.9, 4, 0.6)  # where several values are chosen
MOST_TIMES = 10_000


@dataclass(frozen=True)
class Offered:
    """What the conditions of a segment can be about, and the day from which ages count."""

    desk: Desk
    subjects: list[str]
    others: Mapping[str, Segment]
    as_of: datetime

    @property
    def currency(self) -> str:
        """Give the company's currency, in whose minor units amounts of money are kept."""
        return self.desk.settings.currency


def line(offered: Offered, path: Path, shown: Line, *, alone: bool) -> None:
    """Draw one condition; the only one of a segment cannot be taken away."""
    key = _key(path)
    with st.container(key=f"{key}_row"):
        name = about(shown)
        widths = _widths(shown) if name is not None else (sum(WIDTHS[:-1]), WIDTHS[-1])
        what, *between, away = st.columns(widths, vertical_alignment="center", gap="small")
        if name is None:
            words = describe(shown.rule, offered.desk.library.contract, offered.currency)
            not_ = "Not: " if shown.negated else ""
            st_html = (
                f'{safe(not_ + words[:1].upper() + words[1:])} <span class="r-muted">Edit as YAML</span>'
            )
            with what:
                st.html(f'<div class="r-fixed">{st_html}</div>')
        else:
            _subject(offered, what, path, name)
            how, value = between
            _tests(offered, how, value, path, shown)
        away.button(
            "✕",
            key=f"{key}_away",
            help="Take this condition away",
            type="tertiary",
            disabled=alone,
            on_click=_put,
            args=(offered, path, lambda _: None),
        )


def _subject(offered: Offered, place: Any, path: Path, name: str) -> None:
    key = _key(path)
    known = offered.subjects if name in offered.subjects else [name, *offered.subjects]
    contract = offered.desk.library.contract
    labels = words.apart({each: told.subject(each, contract, offered.others) for each in known})

    def about_another(_: Line) -> Line:
        return first_line(st.session_state[f"{key}_about"], contract, offered.others, offered.as_of)

    _select(
        place, "About", key=f"{key}_about", options=known, value=name,
        words=labels.__getitem__,
        then=lambda: _put(offered, path, about_another),
    )  # fmt: skip


def _tests(offered: Offered, how: Any, value: Any, path: Path, shown: Line) -> None:
    rule, key = shown.rule, _key(path)
    if isinstance(rule, Comparison):
        column = offered.desk.library.contract.column(rule.column)
        known = dict.fromkeys(
            [*((test, False) for test in offered_tests(column)), (rule.test, shown.negated)]
        )
        tests = [*known, *((test, True) for test in offered_tests(column) if (test, True) not in known)]

        def otherwise(old: Line) -> Line:
            test, negated = st.session_state[f"{key}_test"]
            return Line(with_test(cast("Comparison", old.rule), test, column, offered.as_of), negated)

        _select(
            how, "Test", key=f"{key}_test", options=tests, value=(rule.test, shown.negated),
            words=lambda each: told.operator(each[0], shape(column), negated=each[1]),
            then=lambda: _put(offered, path, otherwise),
        )  # fmt: skip
        with value:
            _values(offered, path, rule, column)
    elif isinstance(rule, Did):
        _did(offered, how, value, path, shown)
    else:

        def turned(old: Line) -> Line:
            return replace(old, negated=st.session_state[f"{key}_test"])

        _select(
            how, "Test", key=f"{key}_test", options=[False, True], value=shown.negated,
            words=lambda each: "is not among them" if each else "is among them",
            then=lambda: _put(offered, path, turned),
        )  # fmt: skip


def _values(offered: Offered, path: Path, rule: Comparison, column: Column) -> None:
    """Draw the widgets for the values of a comparison."""
    key = _key(path)
    if rule.test in VALUELESS:
        return
    kind = "days" if rule.test.endswith("than days") else "money" if is_money(column) else shape(column)
    exponent = words.EXPONENTS.get(offered.currency, 2)

    def put(*values: Value | None) -> None:
        said = tuple(each for each in values if each is not None)
        if said and len(said) == len(values):  # a field that was emptied says nothing: the value before stays
            _put(offered, path, lambda old: replace(old, rule=replace(rule, values=said)))

    if rule.test in SEVERAL:
        options = sorted({*map(str, possible_values(column)), *map(str, rule.values)})
        mine = f"{key}_values"
        st.session_state[mine] = [*rule.values]
        st.multiselect(
            "Values", options, key=mine, label_visibility="collapsed", placeholder="Choose",
            format_func=told.choice if kind == "choice" else str, accept_new_options=kind == "text",
            on_change=lambda: put(*st.session_state[mine]),
        )  # fmt: skip
        return
    keys = [f"{key}_value{number}" for number in range(len(rule.values))]
    places: list[Any] = st.columns(len(keys), gap="small") if len(keys) > 1 else [st.container()]
    if len(keys) == 1 and kind in {"days", "money"}:
        places[0], unit = st.columns([2, 1], vertical_alignment="center", gap="small")
        unit.html(
            f'<span class="r-small r-muted">{safe("days" if kind == "days" else offered.currency)}</span>'
        )
    for place, mine, value in zip(places, keys, rule.values, strict=True):
        with place:
            shown = int(cast("int", value)) / 10**exponent if kind == "money" else value
            _value(
                mine,
                kind,
                shown,
                column,
                lambda: put(*(read(kind, st.session_state[each], exponent) for each in keys)),
            )


def is_money(column: Column) -> bool:
    """Say whether a column is an amount of minor units, which people read and write in the currency itself."""
    return column.name.endswith("_minor")


def _value(key: str, kind: str, value: Value | float, column: Column, then: Callable[[], None]) -> None:
    hidden: dict[str, Any] = {"key": key, "label_visibility": "collapsed", "on_change": then}
    if kind == "truth":
        st.session_state[key] = bool(value)
        st.selectbox("Value", [True, False], format_func=lambda each: "yes" if each else "no", **hidden)
    elif kind in {"number", "days"}:
        st.session_state[key] = int(cast("int", value))
        st.number_input("Value", step=1, **hidden)
    elif kind == "money":
        st.session_state[key] = float(cast("float", value))
        st.number_input("Amount", step=1.0, format="%.2f", **hidden)
    elif kind == "moment":
        st.session_state[key] = cast("datetime", value).date()
        st.date_input("Day", format="YYYY-MM-DD", min_value=date.min, max_value=date.max, **hidden)
    elif kind == "choice":
        st.session_state[key] = str(value)
        options = sorted({*map(str, possible_values(column)), str(value)})
        st.selectbox("Value", options, format_func=told.choice, **hidden)
    else:
        st.session_state[key] = str(value)
        st.text_input("Value", max_chars=200, placeholder="Type it here", **hidden)


def read(kind: str, value: Any, exponent: int) -> Value | None:
    """Give what stands in a widget as a rule has it: a day's midnight, an amount in minor units; None of an empty one."""
    if value is None:
        return None
    if kind == "money":
        amount: int = round(value * 10**exponent)
        return amount
    return datetime.combine(value, time()) if kind == "moment" else cast("Value", value)


def _did(offered: Offered, how: Any, value: Any, path: Path, shown: Line) -> None:
    """Draw how often somebody did something, and within which time."""
    rule, key = cast("Did", shown.rule), _key(path)
    often, times = often_of(rule)

    def put() -> None:
        state = st.session_state
        number = state.get(f"{key}_times", times)
        made = did(rule, state[f"{key}_often"], times if number is None else number, state[f"{key}_days"])
        _put(offered, path, lambda old: replace(old, rule=made))

    not_ = "not: " if shown.negated else ""
    _select(
        how, "How often", key=f"{key}_often", options=[*told.OFTEN], value=often,
        words=lambda each: not_ + told.OFTEN[each], then=put,
    )  # fmt: skip
    left, right = value.columns([1, 1.5], gap="small")
    if often != "never":
        st.session_state[f"{key}_times"] = times
        left.number_input(
            "Times", 1, MOST_TIMES, step=1, key=f"{key}_times", label_visibility="collapsed", on_change=put
        )
    days = rule.ago.farthest or 0
    known = [*told.WHEN] if days in told.WHEN else [*told.WHEN, days]
    _select(right, "When", key=f"{key}_days", options=known, value=days, words=told.when, then=put)


def often_of(rule: Did) -> tuple[str, int]:
    """Say how often something was done, in the form's words, and how many times."""
    if rule.at_most is None:
        return "least", max(rule.at_least, 1)
    if rule.at_most == 0:
        return "never", 1
    return ("exactly" if rule.at_least == rule.at_most else "most"), rule.at_most


def did(rule: Did, often: str, times: int, days: int) -> Did:
    """Give a behaviour that was done so often within so many days, 0 of them without end."""
    least, most = {"least": (times, None), "most": (0, times), "exactly": (times, times), "never": (0, 0)}[
        often
    ]
    return replace(rule, ago=Ago(0, days or None), at_least=least, at_most=most)


def _widths(shown: Line) -> tuple[float, ...]:
    return WIDE if isinstance(shown.rule, Comparison) and shown.rule.test in SEVERAL else WIDTHS


def _key(path: Path) -> str:
    return f"seg_{'_'.join(map(str, path))}"


def _put(offered: Offered, path: Path, work: Callable[[Line], Line | None]) -> None:
    """Change a line of the draft as it stands when a widget tells."""
    edit_form(offered.desk, lambda form: changed(form, path, work(dict(lines_of(form))[path])))


def _select(  # noqa: PLR0913 - a widget's parts
    place: Any,
    label: str,
    *,
    key: str,
    options: list[Any],
    value: Any,
    words: Callable[[Any], str],
    then: Callable[[], None],
) -> None:
    st.session_state[key] = value
    place.selectbox(label, options, key=key, format_func=words, label_visibility="collapsed", on_change=then)
