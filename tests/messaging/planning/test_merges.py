"""What people are known as, as the newest release says, whatever happens to releases."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert

from messaging.consent import MERGES_UNKNOWN, KnownAs
from messaging.customers.merges import GRACE, Merges, known_as
from messaging.customers.partings import Change
from messaging.release import ReleaseReader
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import builds

NOON = datetime.fromisoformat("2026-10-30T12:00")


def alias(old: str, current: str) -> dict[str, str]:
    return {"old_customer_id": old, "customer_id": current}


def change(number: int, kind: Any, customer_id: str, other: str) -> Change:
    return Change(f"bld_{number}", kind, customer_id, other, NOON + timedelta(days=number))


def test_all_ids_of_a_person_are_found_by_each_of_them() -> None:
    found = known_as(
        [alias("cus_a", "cus_b"), alias("cus_b", "cus_c"), alias("cus_d", "cus_c"), alias("cus_x", "cus_y")]
    )
    assert {each: found[each] for each in ("cus_a", "cus_c")} == dict.fromkeys(
        ("cus_a", "cus_c"), KnownAs(("cus_a", "cus_b", "cus_c", "cus_d"))
    )
    assert found["cus_y"] == KnownAs(("cus_x", "cus_y"))


def test_a_ring_of_merges_ends() -> None:
    assert set(known_as([alias("cus_a", "cus_b"), alias("cus_b", "cus_a")])) == {"cus_a", "cus_b"}


def test_both_sides_of_a_split_share_all_ids_that_were_the_joined_persons_until_then() -> None:
    joined = change(1, "merged", "cus_a", "cus_b")
    cut = change(2, "split", "cus_new", "cus_a")
    found = known_as([alias("cus_b", "cus_a")], [joined, cut])
    until = (("cus_a", cut.until), ("cus_b", cut.until))
    assert found["cus_a"] == KnownAs(("cus_a", "cus_b"), until)
    assert found["cus_new"] == KnownAs(("cus_new",), until)


def test_an_id_that_comes_back_with_a_split_takes_its_own_past_along() -> None:
    changes = [
        change(1, "merged", "cus_b", "cus_older"),
        change(2, "merged", "cus_a", "cus_b"),
        change(3, "split", "cus_b", "cus_a"),
        change(4, "split", "cus_c", "cus_b"),
    ]
    found = known_as([alias("cus_older", "cus_b")], changes)
    assert found["cus_b"].ids == ("cus_b", "cus_older")
    assert dict(found["cus_a"].shared) == dict.fromkeys(("cus_a", "cus_b", "cus_older"), changes[2].until)
    assert dict(found["cus_c"].shared) == {
        "cus_a": changes[2].until, "cus_b": changes[3].until, "cus_older": changes[3].until,
    }  # fmt: skip


def test_a_split_of_one_build_cuts_what_stood_before_its_merges() -> None:
    changes = [change(1, "merged", "cus_s", "cus_o"), change(1, "split", "cus_n", "cus_o")]
    found = known_as([alias("cus_o", "cus_s")], changes)
    assert dict(found["cus_n"].shared) == {"cus_o": changes[0].until}
    assert dict(found["cus_s"].shared) == {"cus_o": changes[0].until}


def test_a_new_release_brings_its_merges_and_a_broken_one_keeps_the_last(
    settings: Settings, store: Store, publish: Callable[..., str]
) -> None:
    merges = Merges(ReleaseReader(settings.releases_dir), store)
    assert merges() == {}
    publish()
    assert merges() == {}
    publish(identity_alias=[{"old_customer_id": "cus_old", "customer_id": "cus_new"}])
    known = merges()
    assert known["cus_old"] == KnownAs(("cus_new", "cus_old"))
    (settings.releases_dir / "current.json").write_text("{")
    assert merges() == known


def test_a_split_counts_from_when_everybody_saw_the_release_that_brought_it(
    settings: Settings, store: Store, publish: Callable[..., str]
) -> None:
    cut = {"kind": "split", "customer_id": "cus_new", "other_customer_id": "cus_old", "at": NOON}
    publish(identity_journal=[cut | {"build_id": "bld_2"}])
    with store.write() as connection:
        ended = {"finished_at": NOON + timedelta(hours=1), "started_at": NOON, "as_of": NOON}
        connection.execute(insert(builds).values(build_id="bld_2", state="published", **ended))
    found = Merges(ReleaseReader(settings.releases_dir), store)()
    assert found["cus_new"] == KnownAs(("cus_new",), (("cus_old", NOON + timedelta(hours=1) + GRACE),))


def test_a_release_without_a_journal_knows_of_no_split(
    settings: Settings, store: Store, publish: Callable[..., str]
) -> None:
    publish(without=["identity_journal"], identity_alias=[alias("cus_old", "cus_new")])
    assert Merges(ReleaseReader(settings.releases_dir), store)()["cus_old"] == KnownAs(("cus_new", "cus_old"))


def test_who_is_one_person_is_unknown_where_the_release_could_never_be_read(
    settings: Settings, store: Store, publish: Callable[..., str]
) -> None:
    publish(identity_alias=[alias("cus_old", "cus_new")])
    (settings.releases_dir / "current.json").write_text("{")
    assert Merges(ReleaseReader(settings.releases_dir), store)() is MERGES_UNKNOWN
