"""Part after part of a company that changes: what a part leaves is what a full build makes of it, to the row."""

import secrets
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pipelines.identity import gathering
from pipelines.identity.linking import frequencies
from pipelines.identity.linking.blocking import Limits
from pipelines.identity.linking.model import load_model
from pipelines.identity.linking.scorer import PairScorer
from pipelines.identity.people import IdentityOrder, IdentityReport
from pipelines.identity.policy import Policy
from pipelines.warehouse.connection import has_table, open_warehouse
from pipelines.warehouse.state import attached_state

from .test_any_builds import SHIPPED, stricter
from .worlds import SHARE, Home, Record, World, decide

BUILDS = 10
SCORED_BUILDS = 6
PUBLISHED = (
    "identity_map",
    "customer_identifiers",
    "identity_evidence",
    "identity_refused",
    "identity_blocked",
    "identity_review",
    "identity_alias",
    "identity_journal",
    "identity_phones",
)
KEPT = ("carried", "refused_values")
KEPT_OF_PAIRS = ("link_profiles", "link_blocks", "link_pairs")
REMEMBERED = (
    "record_customer",
    "absent_record",
    "former_customer",
    "identity_alias",
    "customers",
    "link_frequencies",
)
SEEDS = [secrets.randbelow(2**31) for _ in range(2)]
SCORED_SEEDS = [secrets.randbelow(2**31) for _ in range(2)]
SMALL = Limits(narrow=4, wide=3)  # of a block, so that many come over it and fall below
Rows = Mapping[str, list[str]]


@pytest.fixture(autouse=True)
def _any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a part be a part also where it is most of a small company."""
    monkeypatch.setattr(gathering, "LARGEST_PART", 1.0)


def tables(home: Home) -> Rows:
    """Give the rows of everything that a build publishes and keeps, in no order, with customers as they are."""
    found: dict[str, list[str]] = {}
    with open_warehouse(home.build, read_only=True) as connection, attached_state(connection, home.state):
        kept = (*KEPT, *KEPT_OF_PAIRS) if has_table(connection, "identity", "link_pairs") else KEPT
        names = [f"identity.{table}" for table in (*PUBLISHED, *kept)] + [
            f"state.{each}" for each in REMEMBERED
        ]
        for name in names:
            found[name] = sorted(repr(row) for row in connection.execute(f"FROM {name}").fetchall())
    return found


def built_afresh(home: Home, folder: Path, world: World, order: IdentityOrder) -> tuple[Rows, Any]:
    """Build all of it in another home that remembers the same, at the same moment.

    Nothing but memory is there, so all evidence is read; to ask for it would also count anew what pairs weigh.
    """
    folder.mkdir()
    afresh = Home(folder)
    shutil.copy(home.state, afresh.state)
    afresh.builds, afresh.refused = home.builds - 1, home.refused
    report = afresh.resolve(world.records, replace(order, afresh=order.link is None)).report
    return tables(afresh), report


def refuse_another(random: Random, home: Home, world: World) -> None:
    """Let dbt refuse a value from now on, or no longer, or for another reason."""
    if home.refused and random.random() < 0.6:
        value = random.choice(sorted(home.refused))
        if random.random() < 0.5:
            del home.refused[value]
        else:
            home.refused[value] = random.choice(("role", "placeholder", "shared"))
        return
    carried = sorted({(kind, value) for each in world.records for kind, value in each.ids.items()})
    home.refused[random.choice(carried)] = random.choice(("role", "own"))


@pytest.mark.parametrize("seed", SEEDS, ids=["one", "another"])
def test_over_any_parts_the_tables_are_those_of_a_full_build(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    size = random.choice((30, 60, 100))
    values = random.choice((size // 4, size // 2, size))
    world, policy, home = World.draw(random, size, values), SHIPPED, Home(tmp_path)
    home.resolve(world.records, IdentityOrder(policy, world.decisions))
    parts = 0
    for number in range(BUILDS):
        leaving = random.random() < 0.15  # what has gone makes a full build
        later = world.a_day_later(random, values, leaving=leaving)
        if random.random() < 0.3:
            refuse_another(random, home, later)
        policy = random.choice((*[policy] * 6, SHIPPED, stricter()))
        order = IdentityOrder(policy, later.decisions)
        new = None if leaving else [each for each in later.records if each not in world.records]
        found = home.resolve(later.records, order, brought=new).report
        parts += found.gathered < found.records
        expected, report = built_afresh(home, tmp_path / str(number), later, order)
        assert tables(home) == expected
        assert told(found) == told(report)
        world = later
    assert parts or policy is not SHIPPED, "some build gathered a part"


def told(report: IdentityReport) -> dict[str, int | str]:
    """Give what a report says of a day, however it was built."""
    own = {"new_customers", "merged_customers", "split_customers", "gathered", "gathered_because"}
    return {name: value for name, value in report.to_document().items() if name not in own}


def rash() -> Policy:
    """Give a policy that merges what is hardly likely: in a small company few pairs are more."""
    return Policy.model_validate(
        SHIPPED.model_dump() | {"probabilistic": {"merge_above": 0.05, "review_above": 0.01}}
    )


@pytest.mark.parametrize("seed", SCORED_SEEDS, ids=["one", "another"])
def test_where_pairs_are_scored_the_tables_are_those_of_a_full_build_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(frequencies, "GROWN", 0.3)
    random = Random(seed)
    size = random.choice((30, 60))
    policy = random.choice((SHIPPED, rash()))
    link = PairScorer(policy, load_model(), SMALL if random.random() < 0.7 else Limits())
    world, home = World.draw(random, size, size), Home(tmp_path)
    home.resolve(world.records, IdentityOrder(policy, world.decisions, link))
    parts = 0
    for number in range(SCORED_BUILDS):
        later = world.a_day_later(random, size, leaving=False)
        if random.random() < 0.3:
            refuse_another(random, home, later)
        order = IdentityOrder(policy, later.decisions, link)
        new = [each for each in later.records if each not in world.records]
        found = home.resolve(later.records, order, brought=new).report
        parts += found.gathered < found.records
        expected, report = built_afresh(home, tmp_path / str(number), later, order)
        assert tables(home) == expected
        assert told(found) == told(report)
        world = later
    assert parts, "some build gathered a part"


def test_a_part_gathers_what_is_tied_to_what_is_new_and_nothing_else(tmp_path: Path) -> None:
    home = Home(tmp_path)
    ann = [Record("r1", ids={"email": "a@mail.example"}), Record("r2", ids={"email": "a@mail.example"})]
    bob = Record("r3", ids={"email": "b@mail.example", "order": "shop:#1"})
    guest = Record("r4", ids={"order": "shop:#2"})
    home.resolve([*ann, bob, guest])
    new = Record("r5", ids={"order": "shop:#1"})
    report = home.resolve([*ann, bob, guest, new], brought=[new]).report
    assert (report.records, report.gathered, report.gathered_because) == (5, 2, "")
    assert (report.people, report.identified, report.guests) == (2, 4, 1)


def test_whoever_a_changed_record_leaves_is_gathered_too(tmp_path: Path) -> None:
    home = Home(tmp_path)
    one, other = (Record(name, ids={"email": f"{name}@mail.example"}) for name in ("r1", "r2"))
    bridge = Record("r3", ids={"email": "r1@mail.example", "phone": "+442920180840"})
    third = replace(other, name="r4", ids={**other.ids, "phone": "+442920180840"})
    assert len(home.resolve([one, other, third, bridge]).groups) == 1
    changed = replace(bridge, ids={"email": "r1@mail.example"})
    found = home.resolve([one, other, third, changed], brought=[changed])
    assert found.report.gathered == 4
    assert len(found.groups) == 2


@pytest.mark.parametrize(
    ("order", "because"),
    [
        (IdentityOrder(afresh=True), "afresh"),
        (IdentityOrder(policy=stricter()), "policy"),
        (IdentityOrder(link=PairScorer(SHIPPED, load_model())), "scored"),
    ],
    ids=["afresh", "another policy", "scored pairs"],
)
def test_a_build_says_why_it_gathers_everything(tmp_path: Path, order: IdentityOrder, because: str) -> None:
    home, ann = Home(tmp_path), Record("r1", ids={"email": "a@mail.example"})
    assert home.resolve([ann]).report.gathered_because == "a full build"
    report = home.resolve([ann], order, brought=[]).report
    assert because in report.gathered_because
    assert report.gathered == 1


def test_a_part_that_most_records_are_tied_to_is_gathered_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "LARGEST_PART", 0.4)
    home, till = Home(tmp_path), [Record(f"r{n}", ids={"external_id": "shop:till"}) for n in range(6)]
    others = [Record(f"o{n}", ids={"email": f"o{n}@mail.example"}) for n in range(4)]
    home.resolve([*till[:5], *others])
    report = home.resolve([*till, *others], brought=[till[5]]).report
    assert "40%" in report.gathered_because
    assert report.gathered == report.records == 10


def test_after_a_build_that_died_between_ids_and_tables_everything_is_gathered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path)
    people = [Record(f"r{n}", ids={"email": f"r{n}@mail.example"}) for n in range(3)]
    merged = IdentityOrder(decisions=[decide("merge", people[0], people[1])])
    home.resolve(people)

    def die(*_: object, **__: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as dying:
        dying.setattr("pipelines.identity.people.publish_identity", die)
        with pytest.raises(RuntimeError, match="killed"):
            home.resolve(people, merged, brought=[])
    found = home.resolve(people, merged, brought=[])
    assert found.report.gathered == 3
    assert "did not publish" in found.report.gathered_because
    assert len(found.groups) == 2


def test_a_decision_alone_makes_a_part(tmp_path: Path) -> None:
    home = Home(tmp_path)
    people = [Record(f"r{n}", ids={"email": f"r{n}@mail.example"}) for n in range(4)]
    home.resolve(people)
    merged = IdentityOrder(decisions=[decide("merge", people[0], people[1])])
    report = home.resolve(people, merged, brought=[]).report
    assert (report.gathered, report.people, report.decisions_applied) == (2, 3, 1)
    report = home.resolve(people, brought=[]).report
    assert (report.gathered, report.people, report.decisions_applied) == (2, 4, 0)


def test_every_type_of_identifier_that_ties_is_drawn() -> None:
    assert set(SHIPPED.linking()) <= set(SHARE)
