"""What people bought: a company worked out by hand, and the rules of scores, tiers and suggestions read plainly."""

import csv
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from conftest import Company

PROJECT = Path(__file__).parents[2] / "dbt_project"
Table = tuple[str, Iterable[Sequence[Any]]]  # columns with types, and rows
AS_OF = "2026-10-30 12:00:00"
FEW = {"scored_buyers": 4, "bought_together": 2, "beyond_chance": 0.5}
ANN, BEA, CYD, DAN, EVE, FAY = (f"{name}@x.example" for name in ("ann", "bea", "cyd", "dan", "eve", "fay"))


def line(
    order: str, at: str, email: str | None, product: str, amount: int, kind: str = "sale", **more: Any
) -> dict[str, Any]:
    """Make an order line of one piece; lines of a shop are told apart by all that they say."""
    said = (order, at, product, amount, kind, *more.values())
    return {
        "source": "shop",
        "source_record_id": "line/" + "-".join(map(str, said)),
        "occurred_at": f"2026-{at} 10:00:00",
        "order_id": order,
        "line_kind": kind,
        "product_id": product,
        "product_name": product.capitalize(),
        "quantity": 1,
        "net_amount_minor": amount,
        "unit_price_minor": abs(amount),
        "currency": "GBP",
        "email": email,
        **more,
    }


LINES = [
    # Ann orders on four days, 10, 30 and 40 days apart; the third order is in two currencies
    line("1", "01-01", ANN, "mug", 1000),
    line("1", "01-01", ANN, "bowl", 500),
    line("1", "01-06", ANN, "bowl", -500, "refund"),
    line("2", "01-11", ANN, "lamp", 2000),
    line("3", "02-10", ANN, "mug", 1000),
    line("3", "02-10", ANN, "rope", 700, currency="EUR"),
    line("4", "03-22", ANN, "mug", 1000),
    # taken back before it left: no order, no order day
    line("5", "03-30", ANN, "mug", 9000),
    line("5", "03-31", ANN, "mug", -9000, "cancellation"),
    # Bea and Cyd have what Ann has but the tray, which goes with the mug
    line("6", "02-01", BEA, "mug", 1000),
    line("6", "02-01", BEA, "tray", 300),
    line("7", "02-02", CYD, "mug", 1000),
    line("7", "02-02", CYD, "tray", 300),
    # Fay has what nobody else has, on Cyd's day
    line("10", "02-02", FAY, "jug", 1300),
    # Dan only has money in euros, of another shop, which gives the number "mug" to another thing
    line("1", "04-01", DAN, "mug", 800, currency="EUR", source="stall", product_name="Face"),
    # Eve only gives back what was sold before our time; the last buyer is a guest
    line("8", "05-01", EVE, "mug", -400, "refund"),
    line("9", "05-02", None, "tray", 300),
]
CATALOGUE = [
    {"source": "shop", "source_record_id": f"product/{number}", "occurred_at": "2026-01-01", "product_id": name,
     "name": name.capitalize(), "category": category}
    for number, (name, category) in enumerate(
        [("mug", "Kitchen"), ("bowl", "Kitchen"), ("lamp", "Light"), ("rope", "Garden"), ("tray", "Kitchen")]
    )
]  # fmt: skip


@pytest.fixture(scope="module")
def company(found_company: Callable[[str], "Company"]) -> "Company":
    company = found_company("purchases")
    company.land({"purchases": LINES, "products": CATALOGUE})
    company.build(AS_OF, **FEW)
    return company


def who(company: "Company", email: str) -> dict[str, Any]:
    (row,) = company.rows("SELECT * FROM marts.customer_360 WHERE email = ?", email)
    return row


def test_what_ann_bought_is_what_was_worked_out_by_hand(company: "Company") -> None:
    expected = {
        "order_count": 4,  # the one in two currencies once, the cancelled one not
        "net_revenue_minor": 5000,
        "refund_minor": 9500,
        "refund_count": 2,
        "return_rate": 9500 / 14500,
        "average_order_minor": 1250,
        "favourite_category": "Kitchen",
        "categories": "Kitchen, Garden, Light",
        "product_count": 4,
        "usual_gap_days": 30,
        "first_order_at": datetime(2026, 1, 1, 10),
        "last_order_at": datetime(2026, 3, 22, 10),
    }
    row = who(company, ANN)
    assert {name: row[name] for name in expected} == expected


def test_ann_is_told_of_the_tray_that_two_of_three_buyers_of_the_mug_have(company: "Company") -> None:
    row = who(company, ANN)
    assert row["suggested_product"] == "Tray"
    assert row["suggested_product_reason"] == "2 of the 3 people who lately bought Mug bought it too."
    assert who(company, BEA)["suggested_product"] is None  # bowl and lamp have one buyer


def test_scores_compare_the_five_buyers_and_equal_ones_are_equal(company: "Company") -> None:
    rows = company.rows(
        "SELECT email, rfm_recency, rfm_frequency, rfm_monetary, rfm_score, rfm_segment, vip_tier"
        " FROM marts.customer_360 ORDER BY email"
    )
    assert [tuple(row.values()) for row in rows] == [
        (ANN, 4, 5, 4, "454", "loyal", "platinum"),
        (BEA, 1, 1, 1, "111", "hibernating", "none"),
        (CYD, 2, 1, 1, "211", "hibernating", "none"),
        (DAN, 5, 1, None, None, "new", "none"),
        (EVE, None, None, None, None, None, "none"),
        (FAY, 2, 1, 1, "211", "hibernating", "none"),
    ]


def test_value_stands_in_every_currency_and_counts_an_order_in_each(company: "Company") -> None:
    rows = company.rows(
        "SELECT email, currency, v.order_count, v.net_amount_minor, v.refund_minor, v.first_order_at::DATE AS first"
        " FROM marts.customer_value AS v JOIN marts.customer_360 USING (customer_id) ORDER BY email, currency"
    )
    assert [tuple(row.values()) for row in rows] == [
        (ANN, "EUR", 1, 700, 0, date(2026, 2, 10)),
        (ANN, "GBP", 4, 5000, 9500, date(2026, 1, 1)),
        (BEA, "GBP", 1, 1300, 0, date(2026, 2, 1)),
        (CYD, "GBP", 1, 1300, 0, date(2026, 2, 2)),
        (DAN, "EUR", 1, 800, 0, date(2026, 4, 1)),
        (EVE, "GBP", 0, -400, 400, None),
        (FAY, "GBP", 1, 1300, 0, date(2026, 2, 2)),
    ]


def test_one_number_of_two_shops_is_two_products(company: "Company") -> None:
    rows = company.rows(
        "SELECT source, name, times_bought FROM marts.products WHERE product_id = 'mug' ORDER BY 1"
    )
    assert [tuple(row.values()) for row in rows] == [("shop", "Mug", 6), ("stall", "Face", 1)]
    assert who(company, DAN)["product_count"] == 1


def test_weeks_hold_the_money_that_moved_in_them(company: "Company") -> None:
    rows = company.rows("SELECT * FROM marts.metric_revenue_weekly WHERE week < '2026-01-15' ORDER BY week")
    assert [tuple(row.values()) for row in rows] == [
        (date(2025, 12, 29), "GBP", 1, 1, 1, 1500, 0, 1500, 0),
        (date(2026, 1, 5), "GBP", 1, 1, 0, 2000, 500, 1500, 0),
    ]
    (last,) = company.rows("SELECT * FROM marts.metric_revenue_weekly ORDER BY week DESC LIMIT 1")
    assert tuple(last.values()) == (date(2026, 4, 27), "GBP", 1, 0, 0, 300, 400, -100, 300)


def test_cohorts_show_who_came_back_and_months_in_which_nobody_did(company: "Company") -> None:
    rows = company.rows("SELECT * FROM marts.metric_revenue_cohort_monthly ORDER BY cohort_month, month")
    january, february = date(2026, 1, 1), date(2026, 2, 1)
    march, april, may = (date(2026, month, 1) for month in (3, 4, 5))
    assert [tuple(row.values()) for row in rows] == [
        (january, january, 0, 1, 1, 1.0, 3000),
        (january, february, 1, 1, 1, 1.0, 1000),
        (january, march, 2, 1, 1, 1.0, 1000),
        (january, april, 3, 1, 0, 0.0, 0),
        (january, may, 4, 1, 0, 0.0, 0),
        (february, february, 0, 3, 3, 1.0, 3900),
        (february, march, 1, 3, 0, 0.0, 0),
        (february, april, 2, 3, 0, 0.0, 0),
        (february, may, 3, 3, 0, 0.0, 0),
        (april, april, 0, 1, 1, 1.0, 0),  # paid in euros
        (april, may, 1, 1, 0, 0.0, 0),
        (may, may, 0, 0, 0, None, -400),  # only gave back
    ]


def test_the_docs_show_the_segments_of_the_seed() -> None:
    with (PROJECT / "seeds" / "rfm_segments.csv").open() as file:
        seed = {(row["recency"], row["frequency"]): row["segment"] for row in csv.DictReader(file)}
    page = (PROJECT.parent / "docs" / "customer_360.md").read_text()
    rows = re.findall(r"^\| ([1-5]) \| (.*) \|$", page, re.MULTILINE)
    told = {
        (recency, str(often)): name
        for recency, names in rows
        for often, name in enumerate(names.split(" | "), 1)
    }
    assert told == seed


class Models:
    """The SQL of models, run on rows that are given in place of the tables they read."""

    def __init__(self, company: "Company", names: Sequence[str], **variables: Any) -> None:
        compiled = company.dbt("compile", "--select", *names, "--no-introspect", as_of=AS_OF, **variables)
        self.sql = {result.node.name: result.node.compiled_code for result in compiled.results}

    def run(self, name: str, tables: Mapping[str, Table]) -> list[tuple[Any, ...]]:
        """Give a model's rows; `tables` are columns with types, and rows, by schema and name."""
        with duckdb.connect() as connection:
            connection.execute("ATTACH ':memory:' AS c360")
            connection.execute("CREATE SCHEMA c360.intermediate; CREATE SCHEMA c360.staging")
            for table, (columns, rows) in tables.items():
                connection.execute(f"CREATE TABLE c360.{table} ({columns})")
                marks = ", ".join("?" for _ in columns.split(","))
                if rows := list(rows):
                    connection.executemany(f"INSERT INTO c360.{table} VALUES ({marks})", rows)
            return connection.execute(self.sql[name]).fetchall()


SUGGESTING = (
    "int_purchases__recent",
    "int_purchases__together",
    "int_purchases__pairs",
    "int_purchases__suggestions",
)


@pytest.fixture(scope="module")
def models(found_company: Callable[[str], "Company"]) -> Models:
    names = ("int_purchases__rfm", "int_purchases__vip", *SUGGESTING)
    return Models(
        found_company("compiled"),
        names,
        scored_buyers=5,
        recent_products=4,
        bought_together=2,
        beyond_chance=0.5,
    )


BUYERS = (
    "customer_id VARCHAR, last_order_at TIMESTAMP, order_count BIGINT, own_order_count BIGINT,"
    " net_revenue_minor BIGINT"
)
buyers = st.lists(
    st.tuples(
        st.integers(0, 9),
        st.integers(0, 4),
        st.booleans(),
        st.integers(-3, 12) | st.integers(-(10**12), 10**12),
    ),
    max_size=40,
)


def as_buyers(drawn: Iterable[tuple[int, int, bool, int]]) -> list[tuple[Any, ...]]:
    start = datetime(2026, 1, 1)
    return [
        (
            f"c{number}",
            start + timedelta(days=day, hours=number % 24) if orders else None,
            orders,
            orders if own else 0,
            net if own else 0,
        )
        for number, (day, orders, own, net) in enumerate(drawn)
    ]


def fifth(value: Any, values: Sequence[Any]) -> int | None:
    """Read the rule plainly: 1 and a whole fifth for each fifth of all who are worse."""
    known = [one for one in values if one is not None]
    if value is None or len(known) < 5 or len(set(known)) == 1:
        return None
    worse = sum(one < value for one in known)
    return int(1 + 5 * worse // len(known))


@settings(max_examples=40, deadline=None)
@given(drawn=buyers)
def test_equal_buyers_have_equal_scores_and_each_is_the_fifths_that_are_worse(
    models: Models, drawn: list[tuple[int, int, bool, int]]
) -> None:
    people = as_buyers(drawn)
    cells = [(recency, often, f"{recency}{often}") for recency in range(1, 6) for often in range(1, 6)]
    found = models.run(
        "int_purchases__rfm",
        {
            "intermediate.int_purchases__customers": (BUYERS, people),
            "staging.rfm_segments": ("recency INTEGER, frequency INTEGER, segment VARCHAR", cells),
        },
    )
    bought = [one for one in people if one[2]]
    days = [one[1].date() for one in bought]
    counts = [one[2] for one in bought]
    spent = [one[4] if one[3] else None for one in bought]
    expected = {}
    for one, day, count, money in zip(bought, days, counts, spent, strict=True):
        scores = fifth(day, days), fifth(count, counts), fifth(money, spent)
        score = None if None in scores else "".join(map(str, scores))
        segment = None if None in scores[:2] else f"{scores[0]}{scores[1]}"
        expected[one[0]] = (*scores, score, segment)
    assert {row[0]: row[1:] for row in found} == expected


@settings(max_examples=40, deadline=None)
@given(drawn=buyers)
def test_a_tier_is_what_better_buyers_bring_in(
    models: Models, drawn: list[tuple[int, int, bool, int]]
) -> None:
    people = as_buyers(drawn)
    found = dict(
        models.run("int_purchases__vip", {"intermediate.int_purchases__customers": (BUYERS, people)})
    )
    spent = {one[0]: one[4] if one[2] and one[4] > 0 else 0 for one in people}
    total, spenders = sum(spent.values()), sum(money > 0 for money in spent.values())

    def tier(money: int) -> str | None:
        better = sum(other for other in spent.values() if other > money)
        if spenders < 5:
            return None
        shares = {"platinum": 10, "gold": 30, "silver": 50}
        return next(
            (name for name, share in shares.items() if money and 100 * better < share * total), "none"
        )

    assert found == {name: tier(money) for name, money in spent.items()}


PAIR = "source VARCHAR, product_id VARCHAR, other_product_id VARCHAR"
MADE = (
    "customer_id VARCHAR, source VARCHAR, product_id VARCHAR, place BIGINT",
    f"{PAIR}, together_count BIGINT, buyer_count BIGINT, other_buyer_count BIGINT, expected_count DOUBLE",
    f"{PAIR}, other_name VARCHAR, together_count BIGINT, buyer_count BIGINT, cosine_millionths BIGINT, place BIGINT",
    "customer_id VARCHAR, suggested_product VARCHAR, suggested_product_reason VARCHAR",
)
baskets = st.lists(st.lists(st.sampled_from("abcdef"), unique=True, max_size=6), min_size=1, max_size=14)


@settings(max_examples=40, deadline=None)
@given(drawn=baskets, offered=st.sets(st.sampled_from("abcdef")))
def test_who_is_told_of_a_product_never_bought_it_and_it_is_the_closest_to_their_last_ones(
    models: Models, drawn: list[list[str]], offered: set[str]
) -> None:
    start = datetime(2026, 1, 1)
    bought = [
        (f"c{person}", "shop", product, product, start - timedelta(days=place))
        for person, basket in enumerate(drawn)
        for place, product in enumerate(basket)
    ]
    columns = "customer_id VARCHAR, source VARCHAR, product_key VARCHAR, product_id VARCHAR, last_bought_at TIMESTAMP"
    tables: dict[str, Table] = {
        "intermediate.int_purchases__bought": (columns, bought),
        "intermediate.int_purchases__products": (
            "source VARCHAR, product_id VARCHAR, name VARCHAR, is_on_offer BOOLEAN",
            [("shop", name, name.upper(), name in offered) for name in "abcdef"],
        ),
    }
    for name, columns in zip(SUGGESTING, MADE, strict=True):
        tables[f"intermediate.{name}"] = (columns, models.run(name, tables))
    found = {row[0]: row[1:] for row in tables["intermediate.int_purchases__suggestions"][1]}
    assert found == {f"c{n}": told for n, told in suggested(drawn, offered).items()}


def suggested(baskets: Sequence[Sequence[str]], offered: set[str]) -> dict[int, tuple[str, str]]:
    """Read the rule plainly; baskets begin with the newest product, and four of each count."""
    sets = [set(basket[:4]) for basket in baskets]
    holders = Counter(product for basket in sets for product in basket)
    both = Counter((one, other) for basket in sets for one in basket for other in basket if one != other)
    listed = sum(map(len, sets))
    rate = sum(len(basket) * (len(basket) - 1) for basket in sets) / listed / listed if listed else 0.0
    close: dict[str, dict[str, int]] = defaultdict(dict)
    for (one, other), count in both.items():
        expected = holders[one] * holders[other] * rate
        if count >= 2 and other in offered and count - expected > 0.5 * math.sqrt(expected):
            close[one][other] = math.floor(1_000_000 * count / math.sqrt(holders[one] * holders[other]))
    found = {}
    for person, basket in enumerate(baskets):
        candidates = [
            (cosine, -place, anchor, other)
            for place, anchor in enumerate(basket[:4])
            for other, cosine in close[anchor].items()
            if other not in basket
        ]
        if candidates:
            _, _, anchor, other = max(candidates)
            count = both[anchor, other]
            reason = (
                f"{count} of the {holders[anchor]} people who lately bought {anchor.upper()} bought it too."
            )
            found[person] = (other.upper(), reason)
    return found
