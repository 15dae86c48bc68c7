"""Lists that people upload: who is on them, what is refused, and that what is approved is the list that was planned."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from data_contracts.contracts import published_contract
from data_contracts.errors import InputError, NotFoundError, RefusedError
from messaging import segments
from messaging.clock import Clock
from messaging.customers import Customers
from messaging.planner import Planner, build_planner
from messaging.segments import lists
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables_record import audit

CONTRACT = published_contract("customer_360")
ON_FAIR = segments.read_segment("fair", {"where": {"list": "trade_fair"}}, CONTRACT)


@pytest.fixture
def company(publish: Callable[..., str], make_person: Callable[..., dict[str, Any]]) -> list[str]:
    people = [make_person(number) for number in range(4)]
    ids = [each["customer_id"] for each in people]
    publish(
        customer_360=people,
        customer_identifiers=[
            {"customer_id": ids[1], "identifier_type": "email", "value": "ada1@example.com"},
            {"customer_id": ids[2], "identifier_type": "phone", "value": people[2]["phone"]},
        ],
        identity_alias=[{"old_customer_id": "cus_old", "customer_id": ids[3]}],
    )
    return ids


def written(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def put(
    store: Store, customers: Customers, clock: Clock, path: Path, name: str = "trade_fair"
) -> lists.Uploaded:
    rows = lists.read_list_file(path, "GB")
    with customers.reader.snapshot() as snapshot, store.write() as connection:
        return lists.upload(connection, snapshot, name, rows, "mia", clock.now())


def on_list(store: Store, customers: Customers) -> set[str]:
    with customers.reader.snapshot() as snapshot, store.read() as connection:
        found = lists.read_lists(connection, ON_FAIR, customers.merged(snapshot, connection))
        return {row["customer_id"] for row in segments.members(snapshot, ON_FAIR, (), found)}


def test_people_are_found_by_id_by_address_and_by_an_id_that_they_had(
    store: Store, customers: Customers, clock: Clock, company: list[str], tmp_path: Path
) -> None:
    path = written(
        tmp_path / "fair.csv", "Email,phone,customer_id,notes",
        f",,{company[0]},hello", "ADA1@example.com,,,", ",020 7946 0002,,", ",,cus_old,", "nobody@example.com,,,", ",,,",
    )  # fmt: skip
    uploaded = put(store, customers, clock, path)
    assert (uploaded.rows, uploaded.matched, uploaded.unknown_lines) == (5, 4, (6,))
    assert on_list(store, customers) == set(company)
    with store.read() as connection:
        assert [each.name for each in lists.all_lists(connection)] == ["trade_fair"]
        told = connection.execute(select(audit.c.action, audit.c.detail)).all()
    assert [(row.action, row.detail) for row in told] == [("list.upload", {"rows": 5, "matched": 4})]


def test_an_upload_takes_the_place_of_the_one_before_whole(
    store: Store, customers: Customers, clock: Clock, company: list[str], tmp_path: Path
) -> None:
    put(store, customers, clock, written(tmp_path / "a.csv", "customer_id", *company))
    put(store, customers, clock, written(tmp_path / "b.csv", "customer_id", company[2]))
    assert on_list(store, customers) == {company[2]}
    with pytest.raises(InputError, match="names a customer"):
        put(store, customers, clock, written(tmp_path / "c.csv", "customer_id", "cus_nobody"))
    assert on_list(store, customers) == {company[2]}
    with store.write() as connection:
        lists.remove(connection, "trade_fair", "mia", clock.now())
    with pytest.raises(NotFoundError, match="There is no list 'trade_fair'"):
        on_list(store, customers)


def test_who_was_merged_since_the_upload_is_on_the_list_still(
    store: Store,
    customers: Customers,
    clock: Clock,
    company: list[str],
    publish: Callable[..., str],
    make_person: Callable[..., dict[str, Any]],
    tmp_path: Path,
) -> None:
    put(store, customers, clock, written(tmp_path / "a.csv", "customer_id", company[0]))
    publish(
        customer_360=[make_person(1)],
        identity_alias=[{"old_customer_id": company[0], "customer_id": company[1]}],
    )
    assert on_list(store, customers) == {company[1]}


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["name", "Ada"], "has no column customer_id, email, phone"),
        (["email", '=HYPERLINK("https://evil.example")'], "no CSV|email cannot be one"),
        (["email", "=1+1", "+cmd|' /C calc'!A0", "@SUM(A1)"], "line 2: email cannot be one; line 3"),
        (["customer_id", "cus_1; DROP TABLE"], "customer_id cannot be one"),
        (["phone", "12"], "phone cannot be one"),
        (["email", '"a@example.com'], "is no CSV"),
        ([""], "has no column"),
    ],
)
def test_what_is_no_list_is_refused_whole_with_its_lines(lines: list[str], told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=told) as refused:
        lists.read_list_file(written(tmp_path / "bad.csv", *lines), "GB")
    assert "evil" not in str(refused.value)


def test_a_list_is_named_as_segments_can_call_it(
    store: Store, customers: Customers, clock: Clock, company: list[str], tmp_path: Path
) -> None:
    path = written(tmp_path / "a.csv", "customer_id", company[0])
    with pytest.raises(InputError, match="is no name for a list"):
        put(store, customers, clock, path, "Trade Fair")


def test_approval_is_of_the_list_as_it_was_planned(
    settings: Settings, store: Store, customers: Customers, clock: Clock, company: list[str], tmp_path: Path
) -> None:
    planner: Planner = build_planner(settings, clock, store)
    (planner.library.folder / "segments" / "lapsed_customers.yaml").write_text("where: {list: trade_fair}\n")
    put(store, customers, clock, written(tmp_path / "a.csv", "customer_id", *company[:2]))
    run = planner.plan("win_back", "mia")
    assert run.matched == 2
    put(store, customers, clock, written(tmp_path / "b.csv", "customer_id", *company))
    with pytest.raises(RefusedError, match="have changed since run"):
        planner.approve(run.run_id, "noa")
    put(store, customers, clock, written(tmp_path / "c.csv", "customer_id", *company[:2]))
    assert planner.approve(run.run_id, "noa").state == "approved"
