"""`python -m benchmarks.campaigning`: what counting a segment and planning a campaign cost, beside SQL and Jinja by hand.

The company is the sample's, as large as asked for, or the one of a home that is built already; its store is copied and its
release read where it lies. A count is the best of five, in turns with the SQL that somebody would write for the same
question. A plan decides about everybody and renders and stores each message; its floor is one SELECT of the columns that the
template shows and a bare `jinja2` that fills it for each.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jinja2
import yaml

from benchmarks.homes import NOW, beside, built_home
from benchmarks.landing import alone
from benchmarks.measure import Measured, measure
from data_contracts.contracts import published_contract
from messaging import segments
from messaging.campaigns import Library
from messaging.clock import Clock
from messaging.planner import build_planner
from messaging.release import ReleaseReader, Snapshot
from messaging.rendering import choose_language
from messaging.rendering.environment import make_environment
from messaging.rendering.mail import plain_text
from messaging.rendering.templates import Template
from messaging.settings import Settings, read_settings
from messaging.store import open_store

TURNS = 5
COUNT_GOAL, PLAN_GOAL, MEMORY_GOAL = 2.0, 3.0, 1024.0  # times, times, MB

QUESTIONS: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "opened twice in ninety days": (
        {
            "all": [
                {"column": "email_reachable", "test": "=", "value": True},
                {"column": "order_count", "test": ">=", "value": 2},
                {"column": "country", "test": "in", "value": ["GB", "DE", "FR"]},
                {"column": "last_order_at", "test": "newer than days", "value": 365},
                {"did": {"kind": "email_event", "state": "open"}, "within_days": 90, "at_least": 2},
            ]
        },
        """
        AND order_count >= 2 AND customer_id IN (
            SELECT customer_id FROM c360.customer_timeline
            WHERE kind = 'email_event' AND state = 'open'
                AND occurred_at > $now - INTERVAL 90 DAY AND occurred_at <= $now
            GROUP BY 1 HAVING count(*) >= 2)
        """,
    ),
    "checked out, ordered within a week, sent nothing back": (
        {
            "all": [
                {"column": "email_reachable", "test": "=", "value": True},
                {"column": "order_count", "test": ">=", "value": 1},
                {"column": "country", "test": "in", "value": ["GB", "DE", "FR"]},
                {"column": "last_order_at", "test": "newer than days", "value": 365},
                {
                    "sequence": [{"kind": "event", "says": "checkout"}, {"kind": "order"}],
                    "within_days": 7,
                    "without": {"kind": "refund"},
                    "days_ago": [0, 365],
                },
            ]
        },
        """
        AND order_count >= 1 AND EXISTS (
            FROM c360.customer_timeline AS a JOIN c360.customer_timeline AS b ON a.customer_id = b.customer_id
                AND b.occurred_at > a.occurred_at AND b.occurred_at <= a.occurred_at + INTERVAL 7 DAY
            WHERE a.customer_id = p.customer_id AND a.kind = 'event' AND contains(lower(a.title), 'checkout')
                AND b.kind = 'order' AND a.occurred_at >= $now - INTERVAL 365 DAY AND b.occurred_at <= $now
                AND NOT EXISTS (
                    FROM c360.customer_timeline AS c
                    WHERE c.customer_id = a.customer_id AND c.kind = 'refund' AND c.occurred_at > a.occurred_at
                        AND c.occurred_at <= a.occurred_at + INTERVAL 7 DAY AND c.occurred_at <= $now))
        """,
    ),
}
BY_HAND = """
SELECT count(*) AS people FROM c360.customer_360 AS p
WHERE email_reachable AND country IN ('GB', 'DE', 'FR') AND last_order_at > $now - INTERVAL 365 DAY
"""
AUDIENCE = {
    "all": [
        {"column": "order_count", "test": ">=", "value": 1},
        {"column": "lifecycle_stage", "test": "in", "value": ["active", "lapsing", "lapsed"]},
    ]
}
AUDIENCE_BY_HAND = """
SELECT customer_id, given_name, favourite_category, last_order_at, order_count, language, email, phone, preferred_channel
FROM c360.customer_360
WHERE order_count >= 1 AND lifecycle_stage IN ('active', 'lapsing', 'lapsed')
ORDER BY last_seen_at DESC LIMIT $people
"""


@dataclass(frozen=True)
class Counted:
    """One question, counted by us and by hand: CPU seconds, the best of a few turns."""

    question: str
    people: int
    ours: float
    by_hand: float

    def sentence(self) -> str:
        """Say it in a line."""
        return (
            f"  {self.question:<56} {self.people:>9,} people {self.ours * 1000:>7.0f} ms"
            f" {self.ours / self.by_hand:>5.2f} times by hand (goal {COUNT_GOAL:g})"
        )


def main() -> None:
    """Measure, print; end with 1 where a goal is missed."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="rapport-bench-") as scratch:
        built = Path(options.home) if options.home else alone(built_home, Path(scratch), options.rows)
        home = beside(built, Path(scratch) / "home")
        size, counted = alone(count_rows, home)
        plan = alone(plan_row, home, options.people)
        floor = alone(floor_row, home, plan.rows)
    found = _sentences(counted, plan, floor)
    if options.json:
        rows = {"counts": [asdict(each) for each in counted], "plan": asdict(plan), "floor": asdict(floor)}
        print(json.dumps(rows | {"company": size}, indent=2))
    else:
        print(f"  {size['people']:,} people, {size['touches']:,} touches", *found, sep="\n")
    short = (
        any(each.ours > COUNT_GOAL * each.by_hand for each in counted)
        or plan.cpu_seconds > PLAN_GOAL * floor.cpu_seconds
        or plan.peak_mb > MEMORY_GOAL
    )
    sys.exit("a goal is missed" if short else 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.campaigning", description="Segments and plans."
    )
    parser.add_argument("--rows", type=int, default=1_300_000, help="source rows of the company to be made")
    parser.add_argument("--home", help="a built home instead, which is left as it is")
    parser.add_argument("--people", type=int, default=200_000, help="people of the campaign, at most")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser.parse_args()


def count_rows(home: Path) -> tuple[dict[str, int], list[Counted]]:
    """Count each question in turns with the same by hand; and say how large the company is."""
    contract = published_contract("customer_360")
    with ReleaseReader(read_settings(home=home).releases_dir).snapshot() as snapshot:
        found = []
        for question, (where, rest) in QUESTIONS.items():
            segment = segments.read_segment("bench", {"title": question, "where": where}, contract)
            found.append(_counted(snapshot, question, segment, BY_HAND + rest))
        tables = {"people": "customer_360", "touches": "customer_timeline"}
        size = {
            name: snapshot.rows(f"SELECT count(*) AS n FROM c360.{table}")[0]["n"]  # noqa: S608 - our own names
            for name, table in tables.items()
        }
    return size, found


def _counted(snapshot: Snapshot, question: str, segment: segments.Segment, sql: str) -> Counted:
    works: Sequence[Callable[[], int]] = (
        lambda: segments.count(snapshot, segment, ()).matched,
        lambda: int(snapshot.rows(sql, {"now": snapshot.info.as_of})[0]["people"]),
    )
    best, people = [float("inf")] * len(works), [0] * len(works)
    for _ in range(TURNS):
        for number, work in enumerate(works):
            began = time.process_time()
            people[number] = work()
            best[number] = min(best[number], time.process_time() - began)
    if people[0] != people[1]:
        sys.exit(f"{question}: {people[0]:,} by us, {people[1]:,} by hand; the bench asks two questions")
    return Counted(question, people[0], *best)


def plan_row(home: Path, people: int) -> Measured:
    """Plan a campaign of at most so many people; the row counts them."""
    settings = read_settings(home=home)
    with open_store(settings) as store:
        planner = build_planner(settings, Clock(NOW), store)
        with planner.customers.reader.snapshot() as snapshot:
            everybody = segments.count(snapshot, _audience(settings, 100.0), ()).matched
        _audience(settings, min(100 * people / everybody, 100.0))
        return measure("campaigns", "plan", lambda: planner.plan("bench", "bench"), lambda run: run.matched)[
            0
        ]


def _audience(settings: Settings, percent: float) -> segments.Segment:
    """Write the campaign, of so many of a hundred by lot."""
    library = settings.library_dir
    campaign = yaml.safe_load((library / "campaigns" / "win_back.yaml").read_text(encoding="utf-8"))
    lot = {"percent": round(percent, 4), "salt": "bench"}
    segment = {
        "title": "Bench",
        "where": {"all": [*AUDIENCE["all"], lot] if percent < 100 else AUDIENCE["all"]},
    }
    for folder, document in (("campaigns", campaign | {"segment": "bench"}), ("segments", segment)):
        (library / folder / "bench.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    return segments.read_segment("bench", segment, published_contract("customer_360"))


def floor_row(home: Path, people: int) -> Measured:
    """Select as many people by hand and fill the same templates for each of them with a bare jinja2."""
    settings = read_settings(home=home)
    content = Library(settings.library_dir).content("win_back")
    values: dict[str, Any] = {
        "company_name": settings.company_name,
        "company_address": settings.company_address,
    }
    values |= {"currency": settings.currency, "time_zone": settings.time_zone, "today": NOW}
    values |= {"company_colour": "#1f4d45", "company_logo_url": None}
    values |= {"unsubscribe_url": "https://example.com/u/1", **content.campaign.values}
    bare = {
        channel: {language: _bare(template) for language, template in offered.items()}
        for channel, offered in content.templates["win_back"].items()
    }

    def fill() -> int:
        with ReleaseReader(settings.releases_dir).snapshot() as snapshot:
            rows = snapshot.rows(AUDIENCE_BY_HAND, {"people": people})
        for row in rows:
            channel = "email" if row["email"] and row["preferred_channel"] != "sms" else "sms"
            language = choose_language(row["language"], bare[channel], "en")
            for part in bare[channel][language]:
                part.render({**row, **values, "language": language})
        return len(rows)

    return measure("campaigns", "by hand", fill, int)[0]


def _bare(template: Template) -> list[jinja2.Template]:
    """Compile a template's parts with nothing around them but the filters that it names."""
    words = plain_text(template.source) if template.channel == "email" else template.source
    parts = [(words, False)]
    if template.channel == "email":
        parts += [(template.subject, False), (template.source, True)]
    compiled = []
    for source, html in parts:
        environment = jinja2.Environment(autoescape=html)  # noqa: S701 - a floor: nobody reads it
        environment.filters = make_environment(html=html).filters
        compiled.append(environment.from_string(source))
    return compiled


def _sentences(counted: Sequence[Counted], plan: Measured, floor: Measured) -> Iterator[str]:
    yield from (each.sentence() for each in counted)
    for row in (plan, floor):
        yield (
            f"  {row.name:<10} {row.rows:>9,} people {row.cpu_seconds:>7.1f} CPU s {row.seconds:>7.1f} s"
            f" {row.cpu_seconds / row.rows * 1e6:>6.0f} us each {row.peak_mb:>7,.0f} MB"
        )
    ratio = plan.cpu_seconds / floor.cpu_seconds
    yield f"  A plan is {ratio:.1f} times the same by hand (goal {PLAN_GOAL:g}; {MEMORY_GOAL:,.0f} MB)."


if __name__ == "__main__":
    main()
