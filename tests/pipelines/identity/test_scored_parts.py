"""Scored pairs in a build of a part: who is scored again, and who is gathered for it."""

from datetime import date
from pathlib import Path

import pytest

from pipelines.identity import gathering
from pipelines.identity.linking.blocking import Limits
from pipelines.identity.linking.frequencies import forget_frequencies
from pipelines.identity.linking.model import load_model
from pipelines.identity.linking.scorer import PairScorer
from pipelines.identity.people import IdentityOrder
from pipelines.identity.policy import load_policy
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.state import attached_state

from .worlds import Home, Record

POLICY = load_policy()
HOUSE = ("12 Quarry Lane", "Leeds", "LS1 4AB")
BORN = date(1980, 2, 3)


def person(name: str, given: str, family: str, home: tuple[str, str, str] = HOUSE) -> Record:
    """Give a record with an address of its own, so that nothing but a score ties it to another."""
    ids = {"email": f"{name}@mail.example"}
    return Record(name, "contacts", given=given, family=family, birth=BORN, home=home, ids=ids)


MAGDA, MAGDA_MISSPELT = person("m1", "Magdalena", "Szczepaniak"), person("m2", "Magdalena", "Szczepanik")
CROWD = [
    Record(
        f"c{number}",
        "contacts",
        given=given,
        family=family,
        birth=date(1950 + number, 1 + number % 9, 1 + number),
        home=(f"{number} {family} Road", "York", f"YO{number} 1AA"),
        ids={"email": f"c{number}@mail.example"},
    )
    for number, (given, family) in enumerate(
        (given, family)
        for given in ("Oliver", "Amelia", "Rashid", "Birgit")
        for family in ("Turner", "Kowalski", "Nguyen", "Okafor", "Lindqvist")
    )
]


def scored(limits: Limits | None = None) -> IdentityOrder:
    return IdentityOrder(POLICY, link=PairScorer(POLICY, load_model(), limits or Limits()))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_whom_a_score_ties_to_somebody_is_gathered_with_them_and_nobody_else(home: Home) -> None:
    company = [MAGDA, MAGDA_MISSPELT, *CROWD]
    before = home.resolve(company, scored())
    assert before.people["shop", "m1"] == before.people["shop", "m2"]
    order = Record("m3", ids={"email": "m1@mail.example"})
    after = home.resolve([*company, order], scored(), brought=[order])
    assert (after.report.gathered, after.report.gathered_because) == (3, "")
    assert after.people["shop", "m3"] == before.people["shop", "m2"]
    assert after.report.linked_pairs == before.report.linked_pairs == 1


def test_a_newcomer_is_compared_with_everybody_who_was_there(home: Home) -> None:
    company = [MAGDA, *CROWD]
    before = home.resolve(company, scored())
    after = home.resolve([*company, MAGDA_MISSPELT], scored(), brought=[MAGDA_MISSPELT])
    assert (after.report.gathered, after.report.linked_pairs) == (2, 1)
    assert after.people["shop", "m2"] == before.people["shop", "m1"]


def test_who_is_alike_no_longer_is_let_go(home: Home) -> None:
    company = [MAGDA, MAGDA_MISSPELT, *CROWD]
    home.resolve(company, scored())
    renamed = person("m2", "Tomasz", "Nowak")
    after = home.resolve([MAGDA, renamed, *CROWD], scored(), brought=[renamed])
    assert (after.report.gathered, after.report.linked_pairs) == (2, 0)
    assert after.people["shop", "m1"] != after.people["shop", "m2"]


def test_a_block_that_comes_over_its_limit_and_falls_below_it_changes_those_whom_nothing_else_touched(
    home: Home,
) -> None:
    company, order = [MAGDA, MAGDA_MISSPELT, *CROWD], scored(Limits(2, 2))
    assert len(home.resolve(company, order).groups) == len(CROWD) + 1
    third = person("m4", "Magdalena", "Nowak")
    full = home.resolve([*company, third], order, brought=[third])
    assert (full.report.gathered, full.report.linked_pairs) == (3, 0)
    assert full.people["shop", "m1"] != full.people["shop", "m2"]
    moved = person("m4", "Tadeusz", "Nowak", ("1 Mill Lane", "Hull", "HU1 1AA"))
    left = home.resolve([*company, moved], order, brought=[moved])
    assert (left.report.gathered, left.report.linked_pairs) == (3, 1)
    assert left.people["shop", "m1"] == left.people["shop", "m2"]


def test_everybody_is_scored_when_pairs_weigh_something_else(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "LARGEST_PART", 1.0)
    home.resolve(CROWD[:10], scored())
    new = CROWD[10:]
    report = home.resolve(CROWD, scored(), brought=new).report
    assert "grown" in report.gathered_because
    with open_warehouse(home.build) as connection, attached_state(connection, home.state):
        forget_frequencies(connection)
    assert "scored by" in home.resolve(CROWD, scored(), brought=[]).report.gathered_because


def test_where_weights_are_learnt_from_the_records_everybody_is_scored(home: Home) -> None:
    order = IdentityOrder(POLICY, link=PairScorer(POLICY))
    home.resolve(CROWD, order)
    assert "learnt" in home.resolve(CROWD, order, brought=[]).report.gathered_because


def test_a_home_that_ceases_to_score_keeps_nobodys_profile(home: Home) -> None:
    home.resolve([MAGDA, *CROWD], scored())
    home.resolve([MAGDA, *CROWD], IdentityOrder(POLICY))
    with open_warehouse(home.build, read_only=True) as connection:
        tables = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'identity' AND table_name LIKE 'link%'"
        ).fetchall()
    assert tables == []
