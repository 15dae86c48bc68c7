"""Segments written as YAML read back as what they were, and are saved only upon what their editor has read."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as quick
from hypothesis import strategies as st

from data_contracts.contracts import published_contract
from data_contracts.errors import RefusedError, SegmentError
from data_contracts.yaml_files import YamlFile
from messaging.audit import newest
from messaging.campaigns import SHIPPED, Library, save_segment
from messaging.clock import Clock
from messaging.planner import Planner, build_planner
from messaging.segments import Comparison, Joined, Rule, Segment, read_segment
from messaging.segments.forms import (
    Line,
    about,
    added,
    changed,
    first_line,
    form_of,
    grouped,
    joined_by,
    lines_of,
    offered_tests,
    rule_of,
    subjects,
    with_test,
)
from messaging.segments.rules import Ago, Did, Listed, Named, Sample, Sequence, Touches
from messaging.segments.writing import comment_of, write_segment
from messaging.settings import Settings
from messaging.store import Store
from messaging.template_versions import text_hash

CONTRACT = published_contract("customer_360")
NOON = datetime.fromisoformat("2026-10-30T12:00")
OTHER = Segment("lapsed", "Lapsed", "", Comparison("order_count", "=", (0,)))

# what a file may hold: YAML refuses control characters, and halves of surrogate pairs
texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1, max_size=12
) | st.sampled_from(["yes", "null", "12:30", "1e3", "2026-01-01", "a: b", "# no", "- x", "'", '"', "=", "> x", "~", "{", "*a", " x ", "\tx", "a\nb", "\u2028x", "\x85"])  # fmt: skip
numbers = st.integers(-(2**63) + 1, 2**63 - 1)
moments = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1))
days = st.integers(1, 36_500)


def compared(column: str, values: st.SearchStrategy[Any], *tests: str) -> st.SearchStrategy[Rule]:
    one = st.builds(lambda test, value: Comparison(column, test, (value,)), st.sampled_from(tests), values)
    several = st.builds(
        lambda test, many: Comparison(column, test, tuple(many)),
        st.sampled_from(["in", "not in"]),
        st.lists(values, min_size=1, max_size=3),
    )
    known = st.sampled_from(["is null", "is not null"]).map(lambda test: Comparison(column, test))
    return one | several | known


ages = st.builds(
    lambda test, number: Comparison("last_order_at", test, (number,)),
    st.sampled_from(["older than days", "newer than days"]),
    numbers,
)
ranges = st.tuples(numbers, numbers).map(
    lambda pair: Comparison("order_count", "between", tuple(sorted(pair)))
)
touches = st.builds(
    Touches,
    st.fixed_dictionaries(
        {"kind": st.lists(st.sampled_from(["order", "email", "chat"]), min_size=1, max_size=3).map(tuple)},
        optional={"source": st.lists(texts, min_size=1, max_size=2).map(tuple)},
    ).map(lambda found: tuple(sorted(found.items()))),
    st.none() | texts,
    st.none() | numbers,
    st.none() | numbers,
)
agos = st.just(Ago()) | days.map(lambda number: Ago(0, number)) | st.integers(1, 36_499).map(lambda number: Ago(number, number + 1))  # fmt: skip
often = st.just((1, None)) | st.tuples(st.integers(1, 9), st.none() | st.integers(9, 12)) | st.tuples(st.just(0), st.integers(0, 9))  # fmt: skip
leaves = st.one_of(
    compared("display_name", texts, "=", "!=", "contains"),
    compared("order_count", numbers, "=", "<", ">="),
    compared("last_order_at", moments, "<", ">="),
    compared("email_reachable", st.booleans(), "=", "!="),
    ages,
    ranges,
    st.builds(lambda which, ago, times: Did(which, ago, *times), touches, agos, often),
    st.builds(Sequence, st.tuples(touches, touches), days, st.none() | touches, agos),
    st.builds(Sequence, st.tuples(touches), days, touches, agos),
    texts.map(Listed),
    st.builds(Sample, st.floats(1e-9, 99.999), texts),
    st.just(Named(OTHER.name, OTHER.title, OTHER.rule)),
)
rules = st.recursive(
    leaves,
    lambda inner: (
        st.builds(Joined, st.sampled_from(["all", "any"]), st.lists(inner, min_size=1, max_size=3).map(tuple))
        | inner.map(lambda each: Joined("not", (each,)))
    ),
    max_leaves=8,
)


def read(text: str, name: str = "made") -> Segment:
    file = YamlFile("The segment", text, SegmentError)
    return read_segment(name, file.values, CONTRACT, lambda _: OTHER, file=file)


@quick(max_examples=60, deadline=None)
@given(rules, texts.filter(str.strip), st.just("") | texts.map(str.strip))
def test_a_segment_that_is_written_reads_back_as_it_was(rule: Rule, title: str, description: str) -> None:
    segment = Segment("made", title, description, rule)
    assert read(write_segment(segment)) == segment


@quick(max_examples=60, deadline=None)
@given(rules)
def test_a_form_of_a_rule_gives_the_rule_again_and_taking_its_lines_away_leaves_the_others(
    rule: Rule,
) -> None:
    form = form_of(rule)
    joined = isinstance(rule, Joined) and rule.word != "not"
    assert rule_of(form) == (rule if joined else Joined("all", (rule,)))
    for path, line in lines_of(form):
        assert changed(form, path, line) == form
        assert len([*lines_of(changed(form, path, None))]) == len([*lines_of(form)]) - 1


def test_lines_are_added_changed_grouped_and_joined_by_another_word() -> None:
    form = form_of(read("where: {any: [{column: order_count, test: '>=', value: 2}, {list: fair}]}").rule)
    form = changed(
        form, (1,), replace(next(each for path, each in lines_of(form) if path == (1,)), negated=True)
    )
    form = grouped(form, Line(Did(Touches((("kind", ("order",)),)))))
    form = added(form, first_line("column:lifecycle_stage", CONTRACT, {}, NOON), 2)
    form = joined_by(added(form, first_line("segment:lapsed", CONTRACT, {"lapsed": OTHER}, NOON)), "all")
    form = joined_by(form, "any", 2)
    written = write_segment(Segment("made", "Made", "", rule_of(form)))
    assert (
        written
        == """\
title: Made
where:
  all:
    - {column: order_count, test: '>=', value: 2}
    - not: {list: fair}
    - any:
        - {did: {kind: order}}
        - {column: lifecycle_stage, test: in, value: [active]}
    - {segment: lapsed}
"""
    )
    assert [path for path, _ in lines_of(form)] == [(0,), (1,), (2, 0), (2, 1), (3,)]
    alone = changed(changed(form, (2, 1), None), (2, 0), None)
    assert [path for path, _ in lines_of(alone)] == [(0,), (1,), (2,)]  # the group went with its last line


def test_whatever_the_form_offers_can_be_saved_as_it_is() -> None:
    for subject in subjects(CONTRACT, ["fair"], {"lapsed": OTHER}):
        line = first_line(subject, CONTRACT, {"lapsed": OTHER}, NOON)
        assert about(line) == subject
        tries = [line.rule]
        if isinstance(line.rule, Comparison):
            column = CONTRACT.column(line.rule.column)
            tries += [with_test(line.rule, test, column, NOON) for test in offered_tests(column)]
        for rule in tries:
            assert read(write_segment(Segment("made", "Made", "", rule))).rule == rule


def test_what_no_form_can_show_stays_a_line_that_only_yaml_changes() -> None:
    for rule in (
        Sequence((Touches((("kind", ("order",)),)), Touches((("kind", ("refund",)),))), 7),
        Did(Touches((("kind", ("order", "refund")),))),
        Did(Touches((("kind", ("order",)),)), Ago(3, 9)),
        Comparison("order_count", "in", (1, 2)),
        Comparison("order_count", "=", (2**60,)),
        Comparison("last_order_at", "<", (NOON,)),
        Joined("any", (Joined("all", (OTHER.rule,)),)),
        Joined("not", (Joined("all", (OTHER.rule,)),)),
    ):
        ((_, line),) = lines_of(form_of(Joined("all", (rule,))))
        assert about(line) is None
        assert line.rule == rule


@pytest.mark.parametrize("name", Library(SHIPPED).names("segments"))
def test_every_shipped_segment_is_written_as_itself(name: str) -> None:
    library = Library(SHIPPED)
    segment = library.segment(name)
    assert library.segment(name, write_segment(segment)) == segment


def test_a_written_segment_looks_as_people_write_it_and_keeps_the_comment_above_it() -> None:
    text = """\
# Asked for by the shop's manager.
title: Left something
description: >
  Who began to pay.
where:
  all:
    - {column: email_reachable, test: '=', value: true}
    - any:
        - {did: {kind: order}, within_days: 90}
        - not: {segment: lapsed}
    - not:
        any:
          - {list: fair}
"""
    assert write_segment(read(text), comment_of(text)) == text
    assert comment_of("title: x\n# later\n") == ""


@pytest.fixture
def planner(settings: Settings, store: Store, clock: Clock) -> Iterator[Planner]:
    built = build_planner(settings, clock, store)
    yield built
    built.customers.close()


def test_of_two_editors_of_a_segment_the_second_is_told_and_what_is_no_segment_is_not_saved(
    planner: Planner,
) -> None:
    library, name = planner.library, "lapsed_customers"

    def saved(text: str, read: str | None, actor: str, name: str = name) -> str:
        now = planner.clock.now() + timedelta(hours=1)
        return save_segment(library, planner.store, name, text, read=read, actor=actor, now=now)

    before = library.segment_text(name)
    first = before.replace("title: ", "title: Really ")
    saved(first.replace("\n", "\r\n"), text_hash(before), "ann")
    assert library.segment_text(name) == first
    with pytest.raises(RefusedError, match=r"lapsed_customers.yaml was changed by somebody else"):
        saved(before, text_hash(before), "bob")
    with pytest.raises(RefusedError, match="changed by somebody else"):
        saved(before, None, "bob")
    saved("where: {segment: lapsed_customers}", None, "bob", "copied")
    for text, told in (
        ("where:\n  all:\n    - {column: nothing}\n", "line 3"),
        ("where: {segment: copied}", "stands on itself"),
        (f"#{'x' * 100_000}\n{first}", "larger than 100000 bytes"),
    ):
        with pytest.raises(SegmentError, match=told):
            saved(text, text_hash(first), "ann")
    with pytest.raises(SegmentError, match="cannot be named"):
        saved(before, None, "ann", "../campaigns/win_back")
    assert library.segment_text(name) == first
    with planner.store.read() as connection:
        told_of = [(each["actor"], each["subject"]) for each in newest(connection, 9, action="segment.save")]
    assert told_of == [("bob", "copied"), ("ann", name)]
