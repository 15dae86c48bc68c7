"""Two processes, or two ids, on one campaign at one moment: everybody is written to once, and caps hold."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from data_contracts import contracts
from data_contracts.errors import RefusedError, SegmentError
from data_contracts.model import Contract
from messaging.addresses import Addresses
from messaging.clock import Clock
from messaging.consent_imports import ImportedConsent, record_imports
from messaging.customers.merges import Known, Merges
from messaging.dispatch import dispatch_once
from messaging.planner import Planner, audience, build_planner, lift, list_runs, report, runs
from messaging.segments import lists, read_segment
from messaging.settings import Settings
from messaging.store import Store

NOON = datetime.fromisoformat("2026-10-30T12:00")
MakePerson = Callable[..., dict[str, Any]]
Publish = Callable[..., str]
Person = dict[str, Any]
Agree = Callable[[list[Person]], None]


@pytest.fixture
def planner(settings: Settings, store: Store, clock: Clock) -> Iterator[Planner]:
    built = build_planner(settings.model_copy(update={"company_address": "1 Quay Street"}), clock, store)
    change(built, "share: 0.10", "share: 0")
    yield built
    built.customers.close()


def change(planner: Planner, old: str, new: str, name: str = "win_back") -> None:
    """Edit the campaign's file."""
    path = planner.library.folder / "campaigns" / "win_back.yaml"
    text = path.read_text()
    assert old in text
    path.with_name(f"{name}.yaml").write_text(text.replace(old, new))


@pytest.fixture
def agree(store: Store, addresses: Addresses) -> Agree:
    """Record that people agreed to text messages."""

    def record(people: list[Person]) -> None:
        rows = [
            ImportedConsent(
                customer_id=each["customer_id"],
                source="shop",
                source_record_id=f"consent/{each['customer_id']}",
                channel="sms",
                purpose="marketing",
                action="grant",
                legal_basis="consent",
                occurred_at=NOON - timedelta(days=100),
                method="web form",
                wording=None,
                locale=None,
                address=None,
            )
            for each in people
        ]
        record_imports(store, addresses, rows, NOON - timedelta(days=100))

    return record


def approved(planner: Planner, campaign: str = "win_back") -> str:
    run_id = planner.plan(campaign, "eva").run_id
    planner.approve(run_id, "otto")
    return run_id


def at_once(number: int, work: Callable[[], object]) -> list[BaseException]:
    """Do something so many times at one moment; give what was raised."""
    start, failed = threading.Barrier(number), list[BaseException]()

    def run() -> None:
        start.wait()
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - told by the assertion
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(number)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return failed


def test_of_several_who_launch_one_plan_at_once_one_does_and_everybody_is_queued_once(
    planner: Planner, publish: Publish, make_person: MakePerson, agree: Agree, clock: Clock
) -> None:
    people = [make_person(number) for number in range(5)]
    publish(customer_360=people)
    agree(people)
    run_id = approved(planner)
    others = [build_planner(planner.settings, clock) for _ in range(2)]  # with stores of their own
    hands = iter([planner, *others])
    failed = at_once(3, lambda: next(hands).launch(run_id, "eva"))
    for each in others:
        each.customers.close()
        each.store.close()
    assert [type(each) for each in failed] == [RefusedError, RefusedError], failed
    assert report(planner.store, run_id).messages == {"waiting": 5}


def test_what_is_approved_while_its_launch_is_looked_at_is_looked_at_again(
    planner: Planner, publish: Publish, make_person: MakePerson, agree: Agree, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [make_person(1)]
    publish(customer_360=people)
    agree(people)
    run_id = planner.plan("win_back", "eva").run_id
    seen = planner.run(run_id)  # as it stood before the approval
    planner.approve(run_id, "otto")
    monkeypatch.setattr(Planner, "run", lambda *_: seen)
    publish(customer_360=[make_person(number) for number in range(2, 30)])  # the audience has moved
    with pytest.raises(RefusedError, match="needs one that is approved"):
        planner.launch(run_id, "eva")
    monkeypatch.undo()
    with pytest.raises(RefusedError, match="audience of run"):
        planner.launch(run_id, "eva")


def test_who_had_the_campaign_under_an_id_that_became_theirs_since_does_not_get_it_by_a_second_plan(
    planner: Planner, publish: Publish, make_person: MakePerson, agree: Agree, provider: Any
) -> None:
    old, new = make_person(1), make_person(2)
    agree([old, new])
    publish(customer_360=[old])
    first = approved(planner)
    alias = {"old_customer_id": old["customer_id"], "customer_id": new["customer_id"]}
    publish(customer_360=[new], identity_alias=[alias])
    second = approved(planner)
    planner.launch(first, "eva")
    dispatch_once(planner.store, {"sms": provider}, planner.clock)
    assert [each.to for each in provider.accepted] == [old["phone"]]
    with pytest.raises(RefusedError, match=r"1 of the people in run .* had campaign 'win_back' since"):
        planner.launch(second, "eva")


def test_two_who_turn_out_to_be_one_after_the_plan_are_not_written_to_twice(
    planner: Planner, publish: Publish, make_person: MakePerson, agree: Agree
) -> None:
    change(planner, "segment: lapsed_customers", "segment: lapsed_customers\nlaunch: {moved_percent: 1000}")
    one, other = make_person(1), make_person(2)
    agree([one, other])
    publish(customer_360=[one, other])
    run_id = approved(planner)
    alias = {"old_customer_id": one["customer_id"], "customer_id": other["customer_id"]}
    publish(customer_360=[other], identity_alias=[alias])
    with pytest.raises(RefusedError, match=r"1 of the people in run .* somebody else in it"):
        planner.launch(run_id, "eva")
    again = approved(planner)
    assert planner.launch(again, "eva").to_send == 1


def test_two_campaigns_planned_before_either_was_sent_keep_a_persons_cap_over_two_ids_and_two_phones(
    planner: Planner, publish: Publish, make_person: MakePerson, agree: Agree, provider: Any
) -> None:
    one, other = make_person(1), make_person(2)
    agree([one, other])
    names = ["win_back", "spring", "summer"]
    for name in names[1:]:
        change(planner, "title: Win back lapsed customers", f"title: {name.title()}", name)
    publish(customer_360=[one, other])
    runs = [approved(planner, name) for name in names]
    for run_id in runs:
        planner.launch(run_id, "eva")
    alias = {"old_customer_id": one["customer_id"], "customer_id": other["customer_id"]}
    publish(customer_360=[other], identity_alias=[alias])  # after the launch: only the gate can know
    dispatch_once(
        planner.store,
        {"sms": provider},
        planner.clock,
        merges=Merges(planner.customers.reader, planner.store),
    )
    assert len(provider.accepted) == 2, "two text messages a week, whoever they were taken for"
    told = [row for run_id in runs for row in report(planner.store, run_id).not_sent]
    assert {each.reason for each in told} == {"frequency_cap"}


def test_a_plan_that_writes_to_nobody_says_so_and_nothing_is_launched(
    planner: Planner, publish: Publish, make_person: MakePerson
) -> None:
    publish(customer_360=[make_person(1, order_count=0)])
    plan = planner.plan("win_back", "eva")
    assert (plan.matched, plan.notices) == (0, ("The segment matches nobody, so there is nothing to send.",))
    planner.approve(plan.run_id, "otto")
    with pytest.raises(RefusedError, match="nothing to send"):
        planner.launch(plan.run_id, "eva")
    assert [each.state for each in list_runs(planner.store)] == ["approved"]

    publish(customer_360=[make_person(1)])  # who agreed to nothing
    plan = planner.plan("win_back", "eva")
    assert plan.notices == ("Of 1 who match nobody may be written to, so there is nothing to send.",)


def test_a_plan_for_everybody_we_know_says_so(
    planner: Planner, publish: Publish, make_person: MakePerson, agree: Agree
) -> None:
    people = [make_person(number) for number in range(3)]
    publish(customer_360=people)
    agree(people)
    told = planner.plan("win_back", "eva").notices
    assert told == ("The segment matches everybody whom we know: 3 people.",)
    publish(customer_360=[*people, make_person(4, order_count=0)])
    assert planner.plan("win_back", "eva").notices == ()


def test_a_budget_that_holds_nothing_back_is_told(
    planner: Planner, publish: Publish, make_person: MakePerson, agree: Agree
) -> None:
    people = [make_person(1), make_person(2, order_count=0)]
    publish(customer_360=people)
    agree(people)
    change(planner, "channels:", "daily_budget: 40\nchannels:")
    [told] = planner.plan("win_back", "eva").notices
    assert told.startswith("Its daily_budget holds nothing back by SMS or e-mail: limits.yaml")
    (planner.settings.home / "limits.yaml").write_text(
        "as_of: 2026-11-22\ncaps: {}\nprices: {sms: {each: 0.04}}\n"
    )
    [told] = planner.plan("win_back", "eva").notices
    assert told.startswith("Its daily_budget holds nothing back by e-mail: limits.yaml")


def without(contract: Contract, column: str) -> Contract:
    """Give a newer contract that dropped a column."""
    return replace(contract, columns=tuple(each for each in contract.columns if each.name != column))


def test_a_column_that_a_newer_contract_dropped_stops_a_planned_run_and_hurts_no_running_one(
    planner: Planner,
    publish: Publish,
    make_person: MakePerson,
    agree: Agree,
    provider: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    people = [make_person(number) for number in range(4)]
    publish(customer_360=people)
    agree(people)
    change(planner, "share: 0", "share: 0.5")
    running = approved(planner)
    planner.launch(running, "eva")
    change(planner, "title: Win back lapsed customers", "title: Spring", "spring")
    waiting = approved(planner, "spring")
    newer = without(planner.library.contract, "open_shipment_count")
    monkeypatch.setattr(planner.library, "contract", newer)
    load = contracts._load
    monkeypatch.setattr(
        contracts, "_load", lambda side, table: newer if table == "customer_360" else load(side, table)
    )
    told = r"Segment 'lapsed_customers': line 11: customer_360 has no column 'open_shipment_count'"
    with pytest.raises(SegmentError, match=told):
        planner.launch(waiting, "eva")
    with pytest.raises(SegmentError, match=told):
        planner.plan("spring", "eva")
    assert planner.summary(waiting).state == "approved"
    planner.pause(running, "eva")
    planner.resume(running, "eva")
    dispatch_once(planner.store, {"sms": provider}, planner.clock)
    assert len(provider.accepted) == report(planner.store, running).to_send
    assert lift(planner.store, planner.customers, running) is not None
    assert planner.stop(waiting, "eva").state == "stopped"


@pytest.mark.sqlite  # of the release alone
def test_a_plan_stands_on_one_release_though_another_is_published_meanwhile(
    planner: Planner, publish: Publish, make_person: MakePerson, agree: Agree, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [make_person(number) for number in range(3)]
    agree(people)
    first = publish(customer_360=people)
    gather = runs.gather

    def swapped(*words: Any) -> Any:
        publish(customer_360=[make_person(number) for number in range(50, 90)])
        return gather(*words)

    monkeypatch.setattr(runs, "gather", swapped)
    plan = planner.plan("win_back", "eva")
    assert (plan.matched, plan.to_send) == (3, 3)
    assert report(planner.store, plan.run_id).release_version == first
    planner.approve(plan.run_id, "otto")
    with pytest.raises(RefusedError, match="40 came and 3 left, of 3"):
        planner.launch(plan.run_id, "eva")


@pytest.mark.sqlite
def test_of_two_at_one_phone_of_whom_one_is_held_out_nobody_is_told_to_have_got_it(
    planner: Planner, publish: Publish, make_person: MakePerson, agree: Agree
) -> None:
    change(planner, "share: 0", "share: 0.5")
    people = [make_person(number, phone="+442079460000", email=None) for number in range(8)]
    agree(people)
    publish(customer_360=people)
    run_id = planner.plan("win_back", "eva").run_id
    rows = audience(planner.store, run_id)
    taken = [each for each in rows if each.reason == "duplicate_address"]
    assert len(taken) == 7
    told = "Somebody else in this campaign has the same phone number, which gets one message at most."
    assert all((each.detail or "").startswith(told) for each in taken)


def test_of_two_who_upload_one_list_at_once_the_last_ones_is_there_whole(
    planner: Planner, publish: Publish, make_person: MakePerson, tmp_path: Path
) -> None:
    people = [make_person(number) for number in range(40)]
    publish(customer_360=people)
    halves = [people[:20], people[20:], people[:30]]
    files = []
    for number, half in enumerate(halves):
        path = tmp_path / f"{number}.csv"
        path.write_text("\n".join(["customer_id", *(each["customer_id"] for each in half)]))
        files.append(lists.read_list_file(path))
    hands = iter(files)
    holding = threading.Barrier(3)

    def upload() -> None:
        rows = next(hands)
        with planner.customers.reader.snapshot() as snapshot:
            holding.wait()
            with planner.store.write() as connection:
                lists.upload(connection, snapshot, "fair", rows, "eva", NOON)

    assert at_once(3, upload) == []
    segment = read_segment("fair", {"where": {"list": "fair"}}, planner.library.contract)
    with planner.store.read() as connection:
        stands = lists.read_lists(connection, segment, Known())["fair"]
    assert stands in [{each["customer_id"] for each in half} for half in halves]
