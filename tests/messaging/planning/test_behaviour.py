"""What somebody did, asked of the release: the compiled query, the rule in Python and a naive reading agree."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise, product
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_contracts.contracts import published_contract
from data_contracts.errors import SegmentError
from messaging import segments
from messaging.customers import Customers
from messaging.segments.rules import Named

CONTRACT = published_contract("customer_360")
AS_OF = datetime.fromisoformat("2026-10-30T06:00")
PEOPLE = [f"cus_{number}" for number in range(3)]
KINDS, TITLES, STATES = (
    ["order", "event", "refund"],
    ["Checkout started", "checkout", "Order #1"],
    ["open", None],
)
COLUMNS = ("customer_id", "occurred_at", "kind", "title", "state", "amount_minor")

TOUCHES = st.lists(
    st.fixed_dictionaries(
        {
            "customer_id": st.sampled_from(PEOPLE),
            "occurred_at": st.integers(-2, 40).map(lambda half: AS_OF - timedelta(days=half / 2)),
            "kind": st.sampled_from(KINDS),
            "title": st.sampled_from([*TITLES, None]),
            "state": st.sampled_from(STATES),
            "amount_minor": st.none() | st.integers(-2, 2),
        }
    ),
    max_size=14,
)
PATTERNS = st.fixed_dictionaries(
    {"kind": st.sampled_from(KINDS) | st.lists(st.sampled_from(KINDS), min_size=1, max_size=2, unique=True)},
    optional={
        "says": st.sampled_from(["checkout", "ORDER", "%"]),
        "state": st.just("open"),
        "amount_at_least": st.integers(-1, 1),
        "amount_at_most": st.integers(-1, 1),
    },
)
SPANS = st.tuples(st.integers(0, 8), st.integers(1, 12)).map(lambda span: [span[0], span[0] + span[1]])
DID = st.fixed_dictionaries({"did": PATTERNS}, optional={"days_ago": SPANS, "at_least": st.integers(1, 3)})
RARELY = st.fixed_dictionaries({"did": PATTERNS, "at_most": st.integers(0, 2)}, optional={"days_ago": SPANS})
SEQUENCES = st.fixed_dictionaries(
    {"sequence": st.lists(PATTERNS, min_size=2, max_size=3), "within_days": st.integers(1, 9)},
    optional={"without": PATTERNS, "days_ago": SPANS},
) | st.fixed_dictionaries(
    {
        "sequence": st.lists(PATTERNS, min_size=1, max_size=1),
        "within_days": st.integers(1, 9),
        "without": PATTERNS,
    },
    optional={"days_ago": SPANS},
)
OTHERS = st.sampled_from([{"list": "fair"}, {"percent": 40, "salt": "x"}])
TREES = st.recursive(
    DID | RARELY | SEQUENCES | OTHERS,
    lambda inner: (
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=2)})
        | st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=2)})
        | st.fixed_dictionaries({"not": inner})
    ),
    max_leaves=4,
)
ON_LIST = {"fair": frozenset({"cus_1"})}


def read(where: Any) -> segments.Segment:
    return segments.read_segment("tried", {"where": where}, CONTRACT)


def is_meant(pattern: dict[str, Any], touch: dict[str, Any]) -> bool:
    kinds = pattern["kind"] if isinstance(pattern["kind"], list) else [pattern["kind"]]
    amount = touch["amount_minor"]
    return (
        touch["kind"] in kinds
        and touch["occurred_at"] <= AS_OF
        and ("state" not in pattern or touch["state"] == pattern["state"])
        and ("says" not in pattern or pattern["says"].lower() in (touch["title"] or "").lower())
        and (
            "amount_at_least" not in pattern or (amount is not None and amount >= pattern["amount_at_least"])
        )
        and ("amount_at_most" not in pattern or (amount is not None and amount <= pattern["amount_at_most"]))
    )


def is_then(where: dict[str, Any], touch: dict[str, Any]) -> bool:
    nearest, farthest = where.get("days_ago", [0, 10_000])
    return timedelta(days=nearest) <= AS_OF - touch["occurred_at"] <= timedelta(days=farthest)


def naive(where: Any, touches: list[dict[str, Any]], customer_id: str) -> bool:  # noqa: PLR0911 - kind by kind
    """Read a rule as a person would, from the YAML itself, trying every choice of touches."""
    if "all" in where:
        return all(naive(each, touches, customer_id) for each in where["all"])
    if "any" in where:
        return any(naive(each, touches, customer_id) for each in where["any"])
    if "not" in where:
        return not naive(where["not"], touches, customer_id)
    if "list" in where:
        return customer_id in ON_LIST[where["list"]]
    if "percent" in where:
        return segments.holds(read(where).rule, segments.Person({"customer_id": customer_id}), AS_OF)
    if "did" in where:
        times = sum(is_meant(where["did"], each) and is_then(where, each) for each in touches)
        least = where.get("at_least", 0 if "at_most" in where else 1)
        return least <= times <= where.get("at_most", times)
    choices = [[each for each in touches if is_meant(step, each)] for step in where["sequence"]]
    days = timedelta(days=where["within_days"])
    for chosen in product(*choices):
        moments = [each["occurred_at"] for each in chosen]
        in_order = all(one < other for one, other in pairwise(moments))
        if not in_order or moments[-1] - moments[0] > days or not is_then(where, chosen[0]):
            continue
        spoilt = "without" in where and any(
            is_meant(where["without"], each) and moments[0] < each["occurred_at"] <= moments[0] + days
            for each in touches
        )
        if not spoilt:
            return True
    return False


@pytest.fixture(scope="module")
def release() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:")
    connection.execute("ATTACH ':memory:' AS c360")
    connection.execute("CREATE TABLE c360.customer_360 (customer_id VARCHAR)")
    connection.execute("INSERT INTO c360.customer_360 SELECT unnest(?::VARCHAR[])", [PEOPLE])
    kinds = published_contract("customer_timeline").duckdb_columns()
    columns = ", ".join(f"{name} {kinds[name]}" for name in COLUMNS)
    connection.execute(f"CREATE TABLE c360.customer_timeline ({columns})")
    return connection


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(where=TREES, touches=TOUCHES)
def test_what_somebody_did_is_found_as_a_person_would_find_it(
    release: duckdb.DuckDBPyConnection, where: Any, touches: list[dict[str, Any]]
) -> None:
    segment = read(where)
    query = segments.compile_segment(segment, AS_OF, ON_LIST)
    release.execute("DELETE FROM c360.customer_timeline")
    marks = ", ".join("?" for _ in COLUMNS)
    for touch in touches:
        values = [touch[name] for name in COLUMNS]
        release.execute(f"INSERT INTO c360.customer_timeline VALUES ({marks})", values)
    found = release.execute(
        f"SELECT customer_id FROM c360.customer_360 WHERE {query.where}", query.parameters
    )
    theirs = {one: [each for each in touches if each["customer_id"] == one] for one in PEOPLE}
    expected = {one for one in PEOPLE if naive(where, theirs[one], one)}
    assert {one for (one,) in found.fetchall()} == expected
    people = {
        one: segments.Person(
            {"customer_id": one}, theirs[one], [name for name in ON_LIST if one in ON_LIST[name]]
        )
        for one in PEOPLE
    }
    assert {one for one in PEOPLE if segments.holds(segment.rule, people[one], AS_OF)} == expected
    assert all(
        bool(segments.failing(segment.rule, people[one], AS_OF)) is (one not in expected) for one in PEOPLE
    )
    assert segments.describe(segment.rule, CONTRACT, "GBP")


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ({"did": {"kind": "ordr"}}, "did you mean order"),
        ({"did": {}}, "names no touches"),
        ({"did": {"body": "secret"}}, "is nothing of a touch"),
        ({"did": {"kind": "order"}, "within_days": 0}, "from 1 to 36500"),
        ({"did": {"kind": "order"}, "within_days": 3, "days_ago": [1, 2]}, "both say when"),
        ({"did": {"kind": "order"}, "days_ago": [9, 2]}, "the nearer one first"),
        ({"did": {"kind": "order"}, "at_least": 3, "at_most": 2}, "say nothing"),
        ({"did": {"kind": "order"}, "at_least": 0}, "holds for everybody"),
        ({"did": {"kind": "order", "says": ""}}, "part of the touch's title"),
        ({"sequence": [{"kind": "order"}], "within_days": 3}, "one step is no sequence"),
        ({"sequence": [{"kind": "order"}] * 6, "within_days": 3}, "1 to 5 steps"),
        ({"sequence": [{"kind": "order"}] * 2}, "a rule holds the keys sequence"),
        ({"percent": 0}, "between 0 and 100"),
        ({"percent": True}, "between 0 and 100"),
        ({"list": 7}, "names no list"),
        ({"segment": "other"}, "names no segment of the library"),
        ({"did": {"kind": "order"}, "column": "order_count"}, "a rule holds the keys"),
    ],
)
def test_a_wrong_rule_about_what_they_did_is_told_with_what_is_legal(where: Any, told: str) -> None:
    with pytest.raises(SegmentError, match=told):
        read(where)


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (
            {"did": {"kind": "order"}, "within_days": 90, "at_least": 2},
            "an order at least 2 times within the last 90 days",
        ),
        ({"did": {"kind": "refund"}, "at_most": 0}, "never a refund"),
        (
            {
                "sequence": [{"kind": "event", "says": "Checkout"}],
                "within_days": 7,
                "without": {"kind": "order"},
            },
            "an event “Checkout” within 7 days, without an order",
        ),
        (
            {"did": {"kind": "order", "amount_at_least": 5000}, "at_least": 1},
            "an order (of at least £50.00) at least once",
        ),
        ({"column": "order_count", "test": ">=", "value": 1}, "Orders: at least 1"),
        ({"column": "net_revenue_minor", "test": ">", "value": 123450}, "Revenue: above £1,234.50"),
        ({"column": "sms_reachable", "test": "=", "value": True}, "Reachable by SMS: yes"),
        (
            {"column": "last_inbound_at", "test": "older than days", "value": 1},
            "Last wrote: more than 1 day ago",
        ),
        ({"column": "email", "test": "is null"}, "E-mail: not known"),
        ({"percent": 12.5, "salt": "spring"}, "among 12.5 % drawn by lot “spring”"),
    ],
)
def test_what_they_did_is_told_in_words(where: Any, words: str) -> None:
    assert segments.describe(read(where).rule, CONTRACT, "GBP") == words


def test_a_segment_stands_on_another_and_counts_its_rules() -> None:
    inner = segments.read_segment(
        "inner",
        {"title": "Buyers", "where": {"any": [{"column": "order_count", "test": ">", "value": 0}] * 150}},
        CONTRACT,
    )
    outer = segments.read_segment(
        "outer", {"where": {"segment": "inner"}}, CONTRACT, {"inner": inner}.__getitem__
    )
    assert outer.rule == Named("inner", "Buyers", inner.rule)
    assert segments.describe(outer.rule, CONTRACT, "GBP") == "among “Buyers”"
    with pytest.raises(SegmentError, match="more than 200 rules"):
        segments.read_segment(
            "twice", {"where": {"all": [{"segment": "inner"}] * 2}}, CONTRACT, {"inner": inner}.__getitem__
        )


def test_people_who_did_something_are_counted_in_a_release(
    customers: Customers, publish: Callable[..., str], make_person: Callable[..., dict[str, Any]]
) -> None:
    people = [make_person(number) for number in (1, 2, 3)]
    ids = [each["customer_id"] for each in people]
    touches = [
        {
            "customer_id": ids[0],
            "occurred_at": AS_OF - timedelta(days=2),
            "kind": "event",
            "title": "Checkout started",
        },
        {
            "customer_id": ids[1],
            "occurred_at": AS_OF - timedelta(days=2),
            "kind": "event",
            "title": "Checkout started",
        },
        {
            "customer_id": ids[1],
            "occurred_at": AS_OF - timedelta(days=1),
            "kind": "order",
            "title": "Order #7",
        },
    ]
    publish(customer_360=people, customer_timeline=touches)
    segment = read(
        {"sequence": [{"kind": "event", "says": "checkout"}], "within_days": 3, "without": {"kind": "order"}}
    )
    ordered = segments.read_segment("ordered", {"where": {"did": {"kind": "order"}}}, CONTRACT)
    with customers.reader.snapshot() as snapshot:
        assert [row["customer_id"] for row in segments.members(snapshot, segment, ())] == ids[:1]
        laid = segments.overlap(snapshot, [segment, ordered], ())
    assert (laid.any, laid.all, dict(laid.matched)) == (2, 0, {"tried": 1, "ordered": 1})
    assert laid.pairs == {("tried", "ordered"): 0}
