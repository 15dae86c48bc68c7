"""Which ids are one person, as the newest release says, whatever happens to releases."""

from collections.abc import Callable

from messaging.customers.merges import Merges, grouped
from messaging.release import ReleaseReader
from messaging.settings import Settings


def test_all_ids_of_a_person_are_found_by_each_of_them() -> None:
    aliases = [
        {"old_customer_id": "cus_a", "customer_id": "cus_b"},
        {"old_customer_id": "cus_b", "customer_id": "cus_c"},
        {"old_customer_id": "cus_d", "customer_id": "cus_c"},
        {"old_customer_id": "cus_x", "customer_id": "cus_y"},
    ]
    found = grouped(aliases)
    assert {each: found[each] for each in ("cus_a", "cus_c")} == dict.fromkeys(
        ("cus_a", "cus_c"), ("cus_a", "cus_b", "cus_c", "cus_d")
    )
    assert found["cus_y"] == ("cus_x", "cus_y")


def test_a_ring_of_merges_ends() -> None:
    ring = [
        {"old_customer_id": "cus_a", "customer_id": "cus_b"},
        {"old_customer_id": "cus_b", "customer_id": "cus_a"},
    ]
    assert set(grouped(ring)) == {"cus_a", "cus_b"}


def test_a_new_release_brings_its_merges_and_a_broken_one_keeps_the_last(
    settings: Settings, publish: Callable[..., str]
) -> None:
    merges = Merges(ReleaseReader(settings.releases_dir))
    assert merges() == {}
    publish()
    assert merges() == {}
    publish(identity_alias=[{"old_customer_id": "cus_old", "customer_id": "cus_new"}])
    known = merges()
    assert known["cus_old"] == ("cus_new", "cus_old")
    (settings.releases_dir / "current.json").write_text("{")
    assert merges() == known
