"""The watch on a real store: what is wrong is found, told once, and over in the end; and the store itself may fail."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from data_contracts.errors import StoreError, StoreOutdatedError
from messaging import inbox, outbox
from messaging.addresses import Addresses
from messaging.clock import Clock
from messaging.inbox import Inbound
from messaging.notifications import Looked, Watch, look_once, open_notices, run_watch, snooze
from messaging.notifications.owners import Owner, Rules
from messaging.notifications.record import leave_watch
from messaging.notifications.ways import Ways
from messaging.notifications.webhook import Webhook
from messaging.quiet_hours import read_quiet_rules
from messaging.senders.base import Accepted, OutboundMessage, Outcome, Rejected, Unknown
from messaging.senders.rates import Rates
from messaging.settings import Settings
from messaging.store import Store, open_store
from messaging.store.ids import new_id
from messaging.store.tables import contract_status, messages, suppressions
from messaging.store.tables_notifications import notice_tellings, notices
from messaging.webhooks.checking import Checker

NOON = datetime.fromisoformat("2026-10-30T12:00")
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
RED = {"table_name": "orders", "state": "red", "checked_at": NOON, "rows_checked": 10, "rows_quarantined": 2}


class Mailbox:
    """Takes mails, or fails as told."""

    provider, can_find = "smtp", False

    def __init__(self) -> None:
        self.mails: list[OutboundMessage] = []
        self.fails = False

    def send(self, message: OutboundMessage) -> Outcome:
        """Keep one mail."""
        if self.fails:
            return Rejected("retry", "The mail server could not be reached.")
        self.mails.append(message)
        return Accepted(message.message_id)

    def find(self, message: OutboundMessage, since: datetime) -> list[Any]:  # noqa: ARG002
        """Find nothing."""
        return []


class Looking:
    """A watch whose times a test sets: `today` the database's, `watch.clock` the installation's."""

    def __init__(self, store: Store, **rules: Any) -> None:
        self.store, self.mail, self.today = store, Mailbox(), NOON
        owners = {"ops": Owner(email="ops@x.example")}
        ways = Ways({"email": self.mail}, Webhook(b"", sandboxed=True), "us@x.example")
        self.watch = Watch(
            Rules(owners=owners, **rules), ways, Clock(NOON), "Harbour", "UTC", today=lambda _: self.today
        )

    def look(self, later: timedelta = timedelta()) -> Looked:
        """Look once, a while after the last time."""
        self.today += later
        return look_once(self.store, self.watch)

    @property
    def subjects(self) -> list[str]:
        """Give what the mails were about, in order."""
        return [str(each.subject) for each in self.mail.mails]

    def write(self, statement: Any) -> None:
        """Change something in the store."""
        with self.store.write() as connection:
            connection.execute(statement)


@pytest.fixture
def looking(store: Store) -> Looking:
    return Looking(store)


def test_a_red_contract_is_told_once_reminded_of_after_a_day_and_cleared_once_it_stayed_green(
    looking: Looking,
) -> None:
    looking.write(insert(contract_status).values(RED))
    assert looking.look() == Looked(mine=True, opened=1, told=1)
    assert looking.look(MINUTE).told == 0
    assert looking.look(DAY).told == 1
    looking.write(update(contract_status).values(state="green"))
    assert looking.look(MINUTE) == Looked(mine=True, ended=1)
    assert looking.look(10 * MINUTE).told == 1
    assert looking.look(DAY) == Looked(mine=True)
    assert looking.subjects == [
        f"Harbour: {beginning}A contract is red" for beginning in ("", "Still: ", "Over: ")
    ]
    first = looking.mail.mails[0]
    assert (first.to, first.message_class) == ("ops@x.example", "internal")
    assert "rapport notifications snooze ntc_" in first.body
    with looking.store.read() as connection:
        assert open_notices(connection) == []


def test_what_flaps_is_one_notice_that_counts_how_often_it_came_back(looking: Looking) -> None:
    for _ in range(5):
        looking.write(insert(contract_status).values(RED))
        looking.look(MINUTE)
        looking.write(delete(contract_status))
        looking.look(MINUTE)
    assert len(looking.mail.mails) == 1
    with looking.store.read() as connection:
        assert connection.execute(select(notices.c.returns)).scalars().all() == [4]


def test_what_is_over_before_anybody_could_be_told_is_kept_and_never_told(looking: Looking) -> None:
    looking.mail.fails = True
    looking.write(insert(contract_status).values(RED))
    assert looking.look() == Looked(mine=True, opened=1, failed=1)
    looking.mail.fails = False
    looking.write(delete(contract_status))
    looking.look(MINUTE)
    assert looking.look(10 * MINUTE).told == 0
    with looking.store.read() as connection:
        assert connection.execute(select(notices.c.open_key, notices.c.told_at)).all() == [(None, None)]


def test_ways_that_fail_are_tried_again_and_what_was_said_of_them_is_kept(looking: Looking) -> None:
    looking.write(insert(contract_status).values(RED))
    looking.mail.fails = True
    assert [looking.look(timedelta(seconds=16)).failed for _ in range(5)] == [1, 0, 1, 0, 0]
    looking.mail.fails = False
    assert looking.look(MINUTE).told == 1
    with looking.store.read() as connection:
        rows = connection.execute(select(notice_tellings).order_by(notice_tellings.c.began_at)).all()
    assert [row.outcome for row in rows] == ["failed", "failed", "told"]
    assert rows[0].ways == [{"way": "email", "took": False, "told": "The mail server could not be reached."}]


def test_a_mail_server_that_is_away_for_a_moment_costs_one_failure_however_much_there_was_to_tell(
    looking: Looking,
) -> None:
    looking.mail.fails = True
    for table in ("orders", "people", "calls"):
        looking.write(insert(contract_status).values(RED | {"table_name": table}))
    assert looking.look() == Looked(mine=True, opened=3, failed=1)
    looking.mail.fails = False
    assert looking.look(MINUTE / 2).told == 3


def test_a_watch_that_was_lost_while_it_told_tells_no_more(
    looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    for table in ("orders", "people"):
        looking.write(insert(contract_status).values(RED | {"table_name": table}))
    other, send = Looking(looking.store), looking.mail.send

    def slowly(message: OutboundMessage) -> Outcome:
        looking.today += 6 * MINUTE  # longer than the lease
        other.today = looking.today
        assert other.look().mine
        return send(message)

    monkeypatch.setattr(looking.mail, "send", slowly)
    assert looking.look().told == 1
    assert len(other.mail.mails) == 2


def test_a_snoozed_event_is_told_when_the_snooze_ends(looking: Looking) -> None:
    looking.write(insert(contract_status).values(RED))
    with looking.store.write() as connection:
        snooze(connection, "contract_red", NOON + 8 * 60 * MINUTE, "ann", NOON)
    assert looking.look().told == 0
    assert looking.look(8 * 60 * MINUTE).told == 1


def test_two_watches_of_one_installation_tell_everything_once(looking: Looking, store: Store) -> None:
    other = Looking(store)
    looking.write(insert(contract_status).values(RED))
    assert (looking.look().told, other.look()) == (1, Looked(mine=False))
    assert other.look(6 * MINUTE) == Looked(mine=True)  # the first one died
    with store.write() as connection:
        leave_watch(connection, other.watch.holder)
    looking.today = other.today + MINUTE
    assert looking.look().mine


def test_a_process_that_died_while_it_told_tells_again(
    looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking.write(insert(contract_status).values(RED))
    with monkeypatch.context() as dying:
        dying.setattr(looking.mail, "send", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            looking.look()
    assert looking.look(MINUTE).told == 1


def test_unknown_sends_and_dead_letters_are_found_among_messages_but_not_dead_addresses(
    looking: Looking, outbox_of: Any
) -> None:
    run_id = outbox_of.run()
    unknown, refused, dead = outbox_of.put(3, run_id=run_id)
    with looking.store.write() as connection:
        ids = outbox.claim(connection, "me", 9, NOON, channels=["sms"])
        calls = outbox.to_calling(connection, "me", ids, NOON, rules=read_quiet_rules()).calls
        by_id = {call.message.message_id: call for call in calls}
        ended: list[Any] = [
            (by_id[refused], "twilio", Rejected("fix", "The number cannot send.", code=21606)),
            (by_id[dead], "twilio", Rejected("stop", "No such number.", code=21211)),
        ]
        outbox.record_outcomes(connection, ended, NOON)
        connection.execute(
            update(messages)
            .where(messages.c.message_id == unknown)
            .values(state="unknown", reason="not_on_record")
        )
        assert len(connection.execute(select(suppressions)).all()) == 1
    assert looking.look().opened == 2
    with looking.store.read() as connection:
        told = {each.event: (each.subject, each.amount) for each in open_notices(connection)}
    assert told == {"unknown_sends": (run_id, 1), "dead_letters": ("sms twilio 21606", 1)}


def test_a_breaker_that_the_dispatcher_tripped_is_told_and_cleared_once_it_gets_through(
    looking: Looking,
) -> None:
    rates = Rates(failures=3)
    with looking.store.write() as connection:
        outbox.hear(connection, rates, [("sms", Unknown("The provider did not answer in time."))] * 3)
    looking.look()
    with looking.store.write() as connection:
        outbox.hear(connection, rates, [("sms", Accepted("SM1"))])
    assert looking.look(MINUTE).ended == 1
    looking.look(10 * MINUTE)
    told = "A sender does not get through"
    assert looking.subjects == [f"Harbour: Urgent: {told}", f"Harbour: Over: {told}"]
    assert "The provider did not answer in time." in looking.mail.mails[0].body


def test_a_receiver_that_cannot_be_reached_is_one_notice_for_all_its_ways_in(
    looking: Looking, settings: Settings
) -> None:
    nowhere = settings.model_copy(update={"public_url": "http://127.0.0.1:9"})
    broken = Checker(nowhere, looking.store, Clock(NOON)).check_all()
    assert looking.look() == Looked(mine=True, opened=1, told=1)
    assert f"None of the {len(broken)} ways in works" in looking.mail.mails[0].body


@pytest.fixture
def hear(store: Store, addresses: Addresses) -> Callable[[str, datetime], str]:
    def listen(body: str, at: datetime) -> str:
        inbound = Inbound("twilio", new_id("evt"), "sms", "+447700900123", "+15005550006", body, {})
        return inbox.receive(store, addresses, inbound, Clock(at), lambda _: ["cus_1"]).inbound_id

    return listen


def test_a_customer_who_waits_is_told_of_until_somebody_answers_them(
    looking: Looking, hear: Callable[[str, datetime], str], outbox_of: Any
) -> None:
    waits = hear("My lawyer wonders where my lamp is", NOON - 61 * MINUTE)
    hear("STOP", NOON - 90 * MINUTE)
    assert looking.look().opened == 2
    text = " ".join(each.body for each in looking.mail.mails)
    assert waits in text
    assert "lamp" not in text
    assert "7700" not in text
    with looking.store.write() as connection:
        hashed = outbox_of.addresses.hash("+447700900123")
        answer = outbox.PlannedMessage(
            new_id("msg"),
            "cus_1",
            "sms",
            "+447700900123",
            hashed,
            "Here it is",
            message_class="conversational",
        )
        outbox.insert_planned(connection, [answer], NOON, queued=True)
    assert looking.look(MINUTE).ended == 2


def test_an_opt_out_in_their_own_words_waits_for_no_answer_but_may_be_urgent_until_it_is_reviewed(
    looking: Looking, hear: Callable[[str, datetime], str]
) -> None:
    hear("please stop texting me or my lawyer will call", NOON - 70 * MINUTE)
    looking.look()
    with looking.store.write() as connection:
        assert [each.event for each in open_notices(connection)] == ["urgent_words"]
        [review] = inbox.list_reviews(connection)
        inbox.confirm(connection, review.review_id, "ann", NOON)
    assert looking.look(MINUTE).ended == 1


class Doors:
    """Opens a store as told: each call uses up one answer, the last one stays."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    def __call__(self) -> Store:
        """Open it, or fail."""
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer()


@pytest.mark.sqlite
def test_a_store_that_fails_from_the_start_is_told_of_without_it_and_cleared_once_it_works(
    store: Store, settings: Settings
) -> None:
    looking = Looking(store)
    stop, times = threading.Event(), iter(NOON + number * MINUTE for number in range(100))
    full = StoreError("The disk that the store lies on is full.")

    def moments() -> datetime:
        moment = next(times)
        if len(looking.mail.mails) == 2:
            stop.set()
        return moment

    doors = Doors(full, full, full, full, lambda: open_store(settings))
    run_watch(doors, looking.watch, stop, every=0, real_time=moments)
    assert looking.subjects == [
        "Harbour: Urgent: The store does not work",
        "Harbour: Over: The store does not work",
    ]
    assert "The disk that the store lies on is full." in looking.mail.mails[0].body


@pytest.mark.sqlite
def test_a_watch_whose_store_was_upgraded_ends_with_the_sentence(store: Store) -> None:
    looking = Looking(store)
    with pytest.raises(StoreOutdatedError):
        run_watch(Doors(StoreOutdatedError("Upgraded.")), looking.watch, threading.Event(), every=0)
