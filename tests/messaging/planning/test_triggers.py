"""Campaigns that write to one person at a time: once for each event, by what was approved, whatever happens in between."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, select

from data_contracts.errors import CampaignError, RefusedError
from messaging.addresses import UNKNOWN, Addresses
from messaging.campaigns import read_campaign
from messaging.clock import Clock, pin_clock
from messaging.consent_imports import ImportedConsent, record_imports
from messaging.notifications.facts import read_facts
from messaging.outbox import finish_runs
from messaging.planner import Asked, Planner, build_planner, evidence, hearing, lift, outlook, report
from messaging.planner.standing import approve_standing, withdraw
from messaging.planner.triggered import counted, open_runs
from messaging.planner.triggers import Triggers
from messaging.planner.watching import watching
from messaging.policy import read_limits
from messaging.quiet_hours import installed_rules
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.inserts import insert_new
from messaging.store.tables import messages, run_audience
from messaging.store.tables_receiver import sent_events

NURSERY = Path(__file__).with_name("steps_to_kill.py")
SHIPPED = "parcel_shipped"
CART = """
segment: lapsed_customers
template: win_back
channels: [sms]
again_after_days: 14
values: {offer_url: "https://hp.example.com/new"}
trigger: {event: checkout_started, wait_minutes: 60, unless: order_placed}
"""
Publish = Callable[..., str]
Post = Callable[..., None]


@pytest.fixture
def planner(
    settings: Settings,
    store: Store,
    clock: Clock,
    addresses: Addresses,
    publish: Publish,
    make_person: Callable[..., Any],
) -> Iterator[Planner]:
    built = build_planner(settings.model_copy(update={"company_address": "1 Quay Street"}), clock, store)
    values = (built.library.folder / "campaigns" / "win_back.yaml").read_text().partition("values:")[2]
    text = CART.replace('{offer_url: "https://hp.example.com/new"}', values.rstrip("\n"))
    (built.library.folder / "campaigns" / "cart_left.yaml").write_text(text)
    people = [make_person(number) for number in range(6)]
    known = [
        {"customer_id": each["customer_id"], "identifier_type": "phone", "value": each["phone"]}
        for each in people
    ]
    publish(customer_360=people, customer_identifiers=known)
    record_imports(store, addresses, [agreed(each["customer_id"]) for each in people], clock.now())
    yield built
    built.customers.close()


def agreed(customer_id: str) -> ImportedConsent:
    return ImportedConsent(
        customer_id=customer_id, source="shop", source_record_id=customer_id, channel="sms", purpose="marketing",
        action="grant", legal_basis="consent", occurred_at=datetime.fromisoformat("2026-10-01"), method="web form",
        wording=None, locale=None, address=None,
    )  # fmt: skip


@pytest.fixture
def post(store: Store, clock: Clock) -> Post:
    """Store an event as the receiver does."""

    def to(event_id: str, name: str, phone: str, minutes: float = 0, **told: Any) -> None:
        at = clock.now() + timedelta(minutes=minutes)
        event = {"message_id": event_id, "name": name, "phone": phone, **told}
        row = {"sender": "shop", "message_id": event_id, "key_id": "key_1", "name": name, "event": event}
        with store.write() as connection:
            insert_new(connection, sent_events, [row | {"occurred_at": at, "received_at": at}])

    return to


def listen(planner: Planner, campaign: str) -> str:
    """Approve a campaign's trigger; give the run to which people come."""
    approve_standing(planner, planner.plan(campaign, "eva").run_id, "otto")
    with planner.store.read() as connection:
        return open_runs(connection, campaign)[0].run_id


def later(planner: Planner, minutes: float) -> Triggers:
    return Triggers(
        build_planner(
            planner.settings, Clock(planner.clock.now() + timedelta(minutes=minutes)), planner.store
        )
    )


def settle(triggers: Triggers) -> None:
    while triggers.look():
        pass


def queued(planner: Planner) -> list[Row[Any]]:
    table = messages.c
    query = select(messages).where(table.state == "queued").order_by(table.message_id)
    with planner.store.read() as connection:
        return list(connection.execute(query))


def decided(planner: Planner, run_id: str) -> list[tuple[str, str | None]]:
    table = run_audience.c
    with planner.store.read() as connection:
        rows = connection.execute(
            select(table.decision, table.reason)
            .where(table.run_id == run_id)
            .order_by(table.customer_id, table.step)
        )
        return [(row.decision, row.reason) for row in rows]


ORDER = {"order_id": "B77", "url": "https://hp.example.com/t/B77"}


def test_an_event_becomes_one_message_of_what_it_tells_however_many_look(
    planner: Planner, post: Post, make_person: Callable[..., Any]
) -> None:
    listen(planner, SHIPPED)
    person = make_person(1)
    post("e1", SHIPPED, person["phone"], **ORDER)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(settle, [later(planner, 1), later(planner, 1)]))
    settle(later(planner, 2))
    [message] = queued(planner)
    assert (message.customer_id, message.message_class) == (person["customer_id"], "transactional")
    assert "B77" in message.body
    assert ORDER["url"] in message.body
    rules, limits = installed_rules(planner.settings.home), read_limits(planner.settings)
    asked = Asked(planner.clock.now(), "GBP", "Europe/London", rules, limits)
    why = evidence(planner.store, planner.customers, message.message_id, asked)
    assert "triggered by their event 'e1' from shop" in " ".join(why.sentences)
    with planner.store.write() as connection:
        assert finish_runs(connection, planner.clock.now()) == 0  # others may come


def test_what_came_before_the_approval_triggers_nothing(
    planner: Planner, post: Post, make_person: Callable[..., Any]
) -> None:
    post("e1", SHIPPED, make_person(1)["phone"], minutes=-1, **ORDER)
    run_id = listen(planner, SHIPPED)
    settle(later(planner, 1))
    assert (queued(planner), decided(planner, run_id)) == ([], [])


def test_each_parcel_of_a_person_is_told_and_a_basket_reminds_once(
    planner: Planner, post: Post, make_person: Callable[..., Any]
) -> None:
    phone = make_person(1)["phone"]
    shipped = listen(planner, SHIPPED)
    for number in range(3):
        post(f"p{number}", SHIPPED, phone, **ORDER)
    settle(later(planner, 1))
    assert [row.step for row in queued(planner)] == [0, 1, 2]
    assert report(planner.store, shipped).matched == 3
    withdraw(planner, SHIPPED, "eva")
    cart = listen(planner, "cart_left")
    for number in range(3):
        post(f"c{number}", "checkout_started", phone, minutes=number)
    settle(later(planner, 90))
    assert decided(planner, cart) == [
        ("send", None),
        ("excluded", "already_written"),
        ("excluded", "already_written"),
    ]


def test_who_orders_while_we_wait_is_not_reminded_whichever_event_came_first(
    planner: Planner, post: Post, make_person: Callable[..., Any]
) -> None:
    run_id = listen(planner, "cart_left")
    first, second, third = (make_person(number)["phone"] for number in range(3))
    post("o2", "order_placed", second, minutes=30)
    for number, phone in enumerate((first, second, third)):
        post(f"c{number}", "checkout_started", phone)
    settle(later(planner, 59))
    assert queued(planner) == []
    post("o3", "order_placed", third, minutes=-30)  # before: it calls nothing off
    settle(later(planner, 61))
    assert {row.customer_id for row in queued(planner)} == {
        make_person(0)["customer_id"],
        make_person(2)["customer_id"],
    }
    with planner.store.read() as connection:
        assert counted(connection, run_id) == {"decided": 2, "called_off": 1}


def test_behind_a_backlog_nobody_is_reminded_before_everything_that_happened_was_heard(
    planner: Planner, post: Post, make_person: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("messaging.planner.hearing.AT_ONCE", 2)
    run_id = listen(planner, "cart_left")
    phone = make_person(1)["phone"]
    post("e1", "checkout_started", phone, minutes=1)
    for number in range(5):  # what came in while nothing ran
        post(f"e{number + 2}", "page_viewed", phone, minutes=2)
    post("e9", "order_placed", phone, minutes=5)
    triggers = later(planner, 90)
    triggers.look()
    assert queued(planner) == []
    settle(triggers)
    assert queued(planner) == []
    with planner.store.read() as connection:
        assert counted(connection, run_id) == {"called_off": 1}


def test_nobody_is_reminded_while_another_process_hears_what_happened(
    planner: Planner, post: Post, make_person: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    listen(planner, "cart_left")
    phone = make_person(1)["phone"]
    post("e1", "checkout_started", phone, minutes=1)
    settle(later(planner, 2))
    post("e2", "order_placed", phone, minutes=5)
    with monkeypatch.context() as beside:  # it has not committed yet what it looked at
        beside.setattr("messaging.planner.hearing._refuse_taken", _taken)
        later(planner, 90).look()
    assert queued(planner) == []
    settle(later(planner, 90))
    assert queued(planner) == []


def _taken(looked: int, found: int) -> None:
    raise hearing._TakenError


def test_one_who_calls_it_off_alone_is_counted_and_no_more_is_done(
    planner: Planner, post: Post, make_person: Callable[..., Any]
) -> None:
    run_id = listen(planner, "cart_left")
    post("c1", "checkout_started", make_person(1)["phone"])
    post("o1", "order_placed", make_person(1)["phone"], minutes=5)
    settle(later(planner, 61))
    with planner.store.read() as connection:
        assert counted(connection, run_id) == {"called_off": 1}
    assert decided(planner, run_id) == []


def test_a_look_that_fails_ends_no_later_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("messaging.planner.watching.TROUBLED", 0.0)
    looked, enough = [0], threading.Event()

    def look(_: threading.Event) -> None:
        looked[0] += 1
        if looked[0] == 3:
            enough.set()
        raise (RefusedError("no", "") if looked[0] == 1 else ZeroDivisionError)

    with watching("test", look, 0.0):
        assert enough.wait(10)


def test_who_is_known_to_no_release_gets_a_receipt_and_no_marketing(planner: Planner, post: Post) -> None:
    shipped = listen(planner, SHIPPED)
    cart = listen(planner, "cart_left")
    post("e1", SHIPPED, "+442079460999", **ORDER)
    post("e2", "checkout_started", "+442079460999")
    settle(later(planner, 61))
    assert decided(planner, shipped) == [("send", None)]
    [message] = queued(planner)
    assert message.customer_id.startswith(UNKNOWN)
    assert message.address == "+442079460999"
    assert decided(planner, cart) == [("excluded", "not_in_segment")]
    rules, limits = installed_rules(planner.settings.home), read_limits(planner.settings)
    asked = Asked(planner.clock.now(), "GBP", "Europe/London", rules, limits)
    assert evidence(planner.store, planner.customers, message.message_id, asked).steps


def test_what_an_event_does_not_tell_and_what_is_no_address_is_not_sent(
    planner: Planner, post: Post, make_person: Callable[..., Any]
) -> None:
    run_id = listen(planner, SHIPPED)
    told: list[dict[str, Any]] = [{}, ORDER | {"url": "javascript:alert(1)"}, ORDER | {"order_id": "x" * 501}]
    for number, each in enumerate(told):
        post(f"e{number}", SHIPPED, make_person(number)["phone"], **each)
    settle(later(planner, 1))
    assert decided(planner, run_id) == [("excluded", "missing_value")] * 3
    assert report(planner.store, run_id).excluded[0].people == 3


def test_an_event_that_names_nobody_is_counted_and_sent_to_nobody(planner: Planner, post: Post) -> None:
    run_id = listen(planner, SHIPPED)
    post("e1", SHIPPED, "12", **ORDER)
    settle(later(planner, 1))
    with planner.store.read() as connection:
        assert counted(connection, run_id) == {"missed": 1}


def test_an_event_that_nobody_saw_to_in_time_is_missed_and_an_old_one_is_old(
    planner: Planner, post: Post, make_person: Callable[..., Any]
) -> None:
    run_id = listen(planner, SHIPPED)
    post("e1", SHIPPED, make_person(1)["phone"], **ORDER)
    settle(later(planner, 6 * 60 + 1))
    assert queued(planner) == []
    with planner.store.read() as connection:
        assert counted(connection, run_id) == {"missed": 1}
        (held,) = read_facts(connection, planner.clock.now() + timedelta(hours=7)).held
    assert "1 within a day" in held.told


def test_what_was_approved_goes_whatever_becomes_of_its_files_until_it_is_withdrawn(
    planner: Planner, post: Post, make_person: Callable[..., Any]
) -> None:
    listen(planner, SHIPPED)
    for path in (planner.library.folder / "templates" / "sms").glob("parcel_shipped*"):
        path.write_text(path.read_text().replace("order_number", "tracking_url"))
    post("e1", SHIPPED, make_person(1)["phone"], **ORDER)
    settle(later(planner, 1))
    assert "Order B77" in queued(planner)[0].body
    withdraw(planner, SHIPPED, "eva")
    post("e2", SHIPPED, make_person(2)["phone"], **ORDER)
    settle(later(planner, 1))
    assert len(queued(planner)) == 1
    with planner.store.write() as connection:
        assert finish_runs(connection, planner.clock.now()) == 0  # the first has not gone yet


def test_a_paused_run_writes_when_it_goes_on_and_a_stopped_one_never(
    planner: Planner, post: Post, make_person: Callable[..., Any]
) -> None:
    run_id = listen(planner, SHIPPED)
    planner.pause(run_id, "eva")
    post("e1", SHIPPED, make_person(1)["phone"], **ORDER)
    settle(later(planner, 1))
    assert queued(planner) == []
    build_planner(planner.settings, Clock(planner.clock.now() + timedelta(days=9)), planner.store).resume(
        run_id, "eva"
    )
    settle(later(planner, 2))
    assert len(queued(planner)) == 1
    planner.stop(run_id, "eva")
    post("e2", SHIPPED, make_person(2)["phone"], **ORDER)
    settle(later(planner, 3))
    assert queued(planner) == []


def test_a_campaign_with_a_trigger_is_never_launched_for_everybody(planner: Planner) -> None:
    run_id = planner.plan(SHIPPED, "eva").run_id
    with pytest.raises(RefusedError, match="goes by its trigger"):
        planner.approve(run_id, "otto")
    with pytest.raises(RefusedError, match="goes by its trigger"):
        planner.launch(run_id, "otto")


def test_who_comes_into_the_segment_is_written_to_and_nobody_who_was_in_it(
    planner: Planner, publish: Publish, make_person: Callable[..., Any], store: Store, addresses: Addresses
) -> None:
    path = planner.library.folder / "campaigns" / "cart_left.yaml"
    path.write_text(
        path.read_text().replace(
            "event: checkout_started, wait_minutes: 60, unless: order_placed", "enters: segment"
        )
    )
    run_id = listen(planner, "cart_left")
    settle(later(planner, 1))
    assert decided(planner, run_id) == []
    people = [make_person(number) for number in range(8)]
    publish(customer_360=people)
    record_imports(
        store, addresses, [agreed(each["customer_id"]) for each in people[6:]], planner.clock.now()
    )
    planner.customers.close()
    for _ in range(2):
        settle(later(planner, 2))
    assert {row.customer_id for row in queued(planner)} == {each["customer_id"] for each in people[6:]}
    assert report(planner.store, run_id).matched == 2


def test_each_persons_window_opens_when_they_were_decided_about(
    planner: Planner, publish: Publish, make_person: Callable[..., Any], store: Store
) -> None:
    path = planner.library.folder / "campaigns" / "cart_left.yaml"
    path.write_text(
        f"{path.read_text()}holdout: {{share: 0.5, salt: a}}\ngoal: {{did: {{kind: order}}, within_days: 7}}\n"
    )
    run_id = listen(planner, "cart_left")
    start = planner.clock.now()
    people = [make_person(number)["customer_id"] for number in range(4)]
    rows = [
        {"run_id": run_id, "customer_id": who, "step": 0, "decision": "holdout" if number % 2 else "send",
         "decided_at": start + timedelta(days=10 * (number // 2))}
        for number, who in enumerate(people)
    ]  # fmt: skip
    with store.write() as connection:
        insert_new(connection, run_audience, rows)
    bought = [(people[0], 3), (people[1], 9), (people[2], 11)]
    touches = [
        {
            "customer_id": who,
            "touch_id": who,
            "channel": "shop",
            "occurred_at": start + timedelta(days=days),
            "amount_minor": 100,
        }
        for who, days in bought
    ]
    publish(
        start + timedelta(days=12),
        customer_360=[make_person(number) for number in range(4)],
        customer_timeline=touches,
    )
    found = lift(store, planner.customers, run_id)
    assert found is not None
    assert found.is_over
    assert [(each.written.people, each.written.reached) for each in found.lifts] == [
        (1, 1)
    ]  # the others' goes on
    assert (found.held_out.people, found.held_out.reached) == (1, 0)  # theirs was over when they ordered


def test_a_death_at_any_commit_loses_no_event_and_doubles_none(
    planner: Planner, post: Post, make_person: Callable[..., Any], home: Path
) -> None:
    listen(planner, SHIPPED)
    pin_clock(home, planner.clock.now() + timedelta(minutes=1))
    words = [sys.executable, str(NURSERY), str(home), "http://127.0.0.1:1", "http://127.0.0.1:1"]
    nursery = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    assert nursery.stdout.readline() == "ready\n"
    ended = []
    for number, where in enumerate(("before:1", "after:1", "before:2", "after:2", "-", "-")):
        post(f"e{number}", SHIPPED, make_person(number)["phone"], **ORDER)
        for line in (f"listen - {where}\n", "wait\n"):
            nursery.stdin.write(line)
            nursery.stdin.flush()
            answer = int(nursery.stdout.readline())
        ended.append(answer)
    nursery.kill()
    nursery.communicate()
    assert ended == [-signal.SIGKILL] * 4 + [0, 0]
    settle(later(planner, 1))
    wrote = [row.customer_id for row in queued(planner)]
    assert sorted(wrote) == sorted(make_person(number)["customer_id"] for number in range(6))


def test_a_plan_is_laid_beside_the_last_plan_and_not_beside_a_run_that_listens(planner: Planner) -> None:
    listen(planner, "cart_left")
    again = outlook(
        planner.store,
        planner.customers,
        planner.plan("cart_left", "eva").run_id,
        read_limits(planner.settings),
    )
    assert (again.entered, again.left) == ((), ())


def test_a_campaign_that_stands_on_a_dropped_column_holds_up_no_other(
    planner: Planner, post: Post, make_person: Callable[..., Any], clock: Clock
) -> None:
    held, shipped = listen(planner, "cart_left"), listen(planner, SHIPPED)
    person = make_person(1)
    post("c1", "checkout_started", person["phone"])
    post("p1", SHIPPED, person["phone"], **ORDER)
    newer = build_planner(planner.settings, Clock(clock.now() + timedelta(minutes=61)), planner.store)
    kept = tuple(each for each in newer.library.contract.columns if each.name != "open_shipment_count")
    newer.library.contract = replace(newer.library.contract, columns=kept)
    settle(Triggers(newer))
    assert (decided(planner, held), decided(planner, shipped)) == ([], [("send", None)])
    settle(later(planner, 62))  # the column is back, and who waited is not lost
    assert decided(planner, held) == [("send", None)]


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("trigger: {}", "line 4: it needs either `event: NAME` or `enters: segment`"),
        ("trigger: {event: Cart Left}", "line 4: trigger.event"),
        ("trigger: {event: x, enters: segment}", "line 4: it needs either"),
        ("trigger: {event: x, wait_minutes: -1}", "line 4: trigger.wait_minutes"),
        ("trigger: {event: x, values: {a: {field: email, example: x}}}", "line 4: trigger.values.a.field"),
        ("trigger: {event: x, values: {a_url: {field: url, example: x}}}", "line 4: the example of a_url"),
        ("trigger: {enters: segment, values: {a: {field: url, example: x}}}", "line 4: only an event tells"),
        ("trigger: {event: x}\nschedule: {at: 2026-12-01T10:00}", "line 5: `schedule` is of a plan"),
        ("trigger: {event: x}\ncoupon: spring", "line 5: `coupon` is of a plan"),
        ("trigger: {event: x}\nshadow: true", "line 5: `shadow` is of a plan"),
        (
            "values: {a: x}\ntrigger: {event: x, values: {a: {field: url, example: x}}}",
            "line 5: a stands under",
        ),
    ],
)
def test_a_trigger_that_cannot_be_is_refused_with_its_line(written: str, sentence: str) -> None:
    text = f"segment: lapsed\ntemplate: win_back\nchannels: [sms]\n{written}\n"
    with pytest.raises(CampaignError) as refused:
        read_campaign("spring", text)
    assert sentence in refused.value.message


def test_marks_that_turn_the_writing_round_do_not_come_into_a_text() -> None:
    trigger = read_campaign(
        "spring",
        "segment: a\ntemplate: b\nchannels: [sms]\n"
        "trigger: {event: x, values: {a: {field: properties.note, example: x}, n: {field: value_minor, example: 1}}}\n",
    ).trigger
    assert trigger is not None
    told = trigger.values_of({"properties": {"note": "a\u202eb\nc"}, "value_minor": 5})
    assert told == {"a": "a b c", "n": 5}
    assert trigger.values_of({"properties": "no", "value_minor": True}) == {}
