"""Day after day of a company that changes: what builds remember changes no answer, and no id is ever lost."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import pytest

from pipelines.identity import remembered
from pipelines.identity.people import IdentityOrder, resolve_people
from pipelines.identity.policy import BlockedValue, Policy, load_policy
from pipelines.warehouse.connection import open_warehouse

from .worlds import FIRST_DAY, Home, Record, Result, World, decide, land

BUILDS = 7
SHIPPED = load_policy()


def stricter() -> Policy:
    """Give another policy: fewer addresses a person, and orders before phones."""
    document = SHIPPED.model_dump()
    identifiers = document["identifiers"]
    identifiers["email"]["per_person"] = 2
    identifiers["order"]["priority"], identifiers["phone"]["priority"] = 4, 6
    return Policy.model_validate(document)


@dataclass
class Ids:
    """Every id that was ever published, with the records that it had last."""

    had: dict[str, frozenset[tuple[str, str]]] = field(default_factory=dict)

    def hold(self, before: Result | None, after: Result) -> None:
        """Hold what a build published against all that was published before."""
        groups = after.groups
        if before is not None:
            was = {records: customer for customer, records in before.groups.items()}
            kept = {records: was.get(records, customer) for customer, records in groups.items()}
            assert kept == {records: customer for customer, records in groups.items()}, "an unchanged person"
        self.had |= groups
        for old in self.had.keys() - groups.keys():
            holders = {after.people[record] for record in self.had[old] if record in after.people}
            assert not holders or after.aliases.get(old) in holders, "an old id leads to who has its records"
        assert not after.aliases.keys() & groups.keys(), "an alias is nobody's id"
        assert not after.aliases.keys() & set(after.aliases.values()), "an alias leads to the living at once"
        self._hold_journal(after)

    def _hold_journal(self, after: Result) -> None:
        last: dict[str, tuple[str, str]] = {}
        for _, kind, customer, other, _ in after.journal:
            match kind:
                case "born":
                    assert customer not in last, "nobody is born twice"
                    last[customer] = kind, customer
                case "split":
                    assert other in last, "nobody is cut from somebody who never was"
                    last[customer] = kind, other
                case "merged":
                    assert customer in last
                    assert other in last
                    last[other] = kind, customer
        assert all(last[customer][0] != "merged" for customer in after.groups), (
            "who is here was not merged last"
        )
        assert all(last[alias][0] == "merged" for alias in after.aliases), "who was merged last has an alias"


@pytest.fixture
def extended(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Count the builds that went on from what the last one knew, and let a larger change still be one."""
    counted: list[int] = []
    extend = remembered.extend

    def counting(before: remembered.Resolution, change: remembered.Change) -> remembered.Resolution:
        counted.append(len(change.added))
        return extend(before, change)

    monkeypatch.setattr(remembered, "extend", counting)
    monkeypatch.setattr(remembered, "LARGEST_CHANGE", 1.0)
    yield counted
    assert counted, "no build went on from what the last one knew"


SEEDS = [secrets.randbelow(2**31) for _ in range(3)]


# a test's name is the same in every process that runs some of them; a failure shows the seed as the argument
@pytest.mark.parametrize("seed", SEEDS, ids=["one", "another", "a third"])
def test_over_any_builds_the_answer_is_that_of_a_first_build_and_no_id_is_lost(
    tmp_path: Path, seed: int, extended: list[int]
) -> None:
    random = Random(seed)
    values = random.choice((6, 12, 20))
    world, policy = World.draw(random, random.choice((15, 40, 80)), values), SHIPPED
    home, ids, before = Home(tmp_path), Ids(), None
    for number in range(BUILDS):
        order = IdentityOrder(policy, world.decisions)
        found = home.resolve(world.records, order)
        folder = tmp_path / str(number)
        folder.mkdir()
        shuffled = random.sample(world.records, len(world.records))
        afresh = Home(folder)
        assert afresh.resolve(shuffled, order, threads=random.choice((1, 4))).rows == found.rows
        assert nodes(home) == nodes(afresh), "what nobody says any more is forgotten"
        ids.hold(before, found)
        before, world = found, world.a_day_later(random, values)
        policy = random.choice((policy, policy, policy, SHIPPED, stricter()))


def nodes(home: Home) -> list[tuple[int]]:
    """Give the hashes that a home remembers."""
    with open_warehouse(home.build, read_only=True) as connection:
        return connection.execute("SELECT node FROM identity.resolver_nodes ORDER BY node").fetchall()


def record(name: str, **ids: str) -> Record:
    return Record(name, ids=ids)


def test_a_value_that_is_listed_as_people_write_it_ties_nobody(tmp_path: Path) -> None:
    listed = BlockedValue(type="email", value="Our.Till@Mail.example", reason="till")
    order = IdentityOrder(SHIPPED.model_copy(update={"blocked": (listed,)}))
    home, people = Home(tmp_path), [record("r1", phone="+442920180841"), record("r2", phone="+442920180842")]
    found = home.resolve(
        [replace(each, ids={**each.ids, "email": "our.till@mail.example"}) for each in people], order
    )
    assert len(found.groups) == 2
    assert [row for row in found.rows["identity_blocked"] if "'till'" in row]


def test_a_merge_of_people_whom_a_split_of_others_keeps_apart_is_counted_and_told(tmp_path: Path) -> None:
    a1, a2, b1, b2 = (record(name, email=f"{name[0]}@mail.example") for name in ("a1", "a2", "b1", "b2"))
    said = [decide("merge", a1, b1, "dec_1"), decide("split", a2, b2, "dec_2")]
    found = Home(tmp_path).resolve([a1, a2, b1, b2], IdentityOrder(decisions=said))
    assert len(found.groups) == 2
    assert (found.report.decisions_applied, found.report.decisions_overruled) == (1, 1)
    (row,) = (
        row for row in found.rows["identity_refused"] if "'a1'" in row
    )  # the other one is the split's own
    for word in ("'human'", "'b1'", "'decided'", "dec_2"):
        assert word in row


def test_two_guests_whom_somebody_makes_one_are_born_by_that_decision(tmp_path: Path) -> None:
    home, guests = Home(tmp_path), [record("l1", order="shop:#1"), record("l2", order="shop:#2")]
    home.resolve([*guests, record("r1", email="a@mail.example")])
    found = home.resolve(
        [*guests, record("r1", email="a@mail.example")],
        IdentityOrder(decisions=[decide("merge", guests[0], guests[1])]),
    )
    assert [(kind, cause) for _, kind, _, _, cause in found.journal] == [
        ("born", "first_build"),
        ("born", "decision"),
    ]


def test_an_account_with_thousands_of_orders_is_not_laid_beside_itself_order_by_order(tmp_path: Path) -> None:
    till = [record(f"l{n}", external_id="shop:till", order=f"shop:#{n}") for n in range(3000)]
    home = Home(tmp_path)
    with open_warehouse(home.build) as connection:
        connection.execute("SET memory_limit = '200MB'")  # nine million pairs of orders need more
        connection.execute("SET max_temp_directory_size = '0MB'")
        land(connection, till)
        report = resolve_people(connection, home.state, FIRST_DAY)
    assert (report.people, report.largest, report.blocked_values) == (1, 3000, 0)
