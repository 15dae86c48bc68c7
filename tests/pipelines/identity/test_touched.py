"""Whom a build of a part touched: whoever is not named has, in every table, the very rows that they had before."""

import secrets
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pipelines.identity.people import IdentityOrder
from pipelines.warehouse.connection import open_warehouse

from .worlds import Home, Record, World, decide

BUILDS = 8
TABLES = (
    "identity_map",
    "customer_identifiers",
    "identity_evidence",
    "identity_refused",
    "identity_review",
    "identity_alias",
)
SEEDS = [secrets.randbelow(2**31) for _ in range(3)]
Rows = Mapping[str, frozenset[tuple[str, str]]]


def rows_of_customers(home: Home) -> Rows:
    """Give the rows of each customer, as table and text; a row that names two is both's."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    with open_warehouse(home.build, read_only=True) as connection:
        for table in TABLES:
            rows = connection.execute(f"FROM identity.{table}")
            named = [at for at, column in enumerate(rows.description or ()) if "customer_id" in column[0]]
            for row in rows.fetchall():
                for customer in {row[at] for at in named} - {None}:
                    found[customer].add((table, repr(row)))
    return {customer: frozenset(rows) for customer, rows in found.items()}


def touched(home: Home) -> set[str]:
    return {row[0] for row in read(home, "FROM increment.people")}


def read(home: Home, query: str) -> list[tuple[Any, ...]]:
    with open_warehouse(home.build, read_only=True) as connection:
        return connection.execute(query).fetchall()


def brought(before: World, after: World) -> list[Record]:
    """Give the records of a day that the day before did not have, or not in these words."""
    return [each for each in after.records if each not in before.records]


@pytest.mark.parametrize("seed", SEEDS, ids=["one", "another", "a third"])
def test_over_any_parts_whoever_is_not_named_has_the_rows_of_before(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    values = random.choice((12, 20, 40))
    world, home = World.draw(random, random.choice((40, 80)), values), Home(tmp_path)
    found = home.resolve(world.records, IdentityOrder(decisions=world.decisions))
    spared = 0
    for _ in range(BUILDS):
        before, later = rows_of_customers(home), world.a_day_later(random, values, leaving=False)
        new = brought(world, later)
        found = home.resolve(later.records, IdentityOrder(decisions=later.decisions), brought=new)
        after, named = rows_of_customers(home), touched(home)
        differing = {each for each in before.keys() | after.keys() if before.get(each) != after.get(each)}
        assert differing <= named
        assert {
            found.people[name] for each in new if (name := (each.source, each.name)) in found.people
        } <= named
        spared += len(after.keys() - named)
        world = later
    assert spared, "a few records touch a few people"


def test_a_full_build_names_nobody(tmp_path: Path) -> None:
    home, ann = Home(tmp_path), Record("r1", ids={"email": "a@mail.example"})
    home.resolve([ann], brought=[ann])
    assert len(touched(home)) == 1
    home.resolve([ann, Record("r2", ids={"email": "a@mail.example"})])
    assert not touched(home)


def test_an_id_that_was_merged_away_is_named_with_who_has_its_records(tmp_path: Path) -> None:
    home = Home(tmp_path)
    one, other = (Record(name, ids={"email": f"{name}@mail.example"}) for name in ("r1", "r2"))
    other_phone = Record("r3", ids={"email": "r2@mail.example", "phone": "+442920180840"})
    before = home.resolve([one, other])
    bridge = Record("r4", ids={"email": "r1@mail.example", "phone": "+442920180840"})
    after = home.resolve([one, other, other_phone, bridge], brought=[other_phone, bridge])
    assert len(after.groups) == 1
    assert touched(home) == set(before.groups)


def test_a_decision_touches_those_whom_it_is_about_though_no_record_is_new(tmp_path: Path) -> None:
    home = Home(tmp_path)
    one, other, third = (Record(name, ids={"email": f"{name}@mail.example"}) for name in ("r1", "r2", "r3"))
    before = home.resolve([one, other, third])
    home.resolve([one, other, third], IdentityOrder(decisions=[decide("merge", one, other)]), brought=[])
    assert touched(home) == {before.people["shop", "r1"], before.people["shop", "r2"]}


def test_an_old_record_that_is_nobodys_any_more_touches_whose_it_was(tmp_path: Path) -> None:
    """Whoever calls from a number and says no more is its owner, until too many others call from it too."""
    home, number = Home(tmp_path), "+442920180840"
    held = [Record(f"r{n}", ids={"phone": number, "email": f"r{n}@mail.example"}) for n in range(8)]
    bare = Record("bare", ids={"phone": number})
    before = home.resolve([held[0], bare])
    after = home.resolve([*held, bare], brought=held[1:])
    assert ("shop", "bare") in before.people
    assert ("shop", "bare") not in after.people
    assert before.people["shop", "bare"] in touched(home)
