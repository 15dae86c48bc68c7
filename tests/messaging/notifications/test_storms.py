"""Whatever breaks, mends, fails and dies in whatever order: no storm, nothing untold, an all-clear for each."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from messaging.clock import Clock
from messaging.notifications import Watch, look_once, open_notices
from messaging.notifications.owners import Owner, Rules
from messaging.notifications.ways import Ways
from messaging.notifications.webhook import Webhook
from messaging.senders.base import Accepted, OutboundMessage, Outcome, Rejected
from messaging.settings import read_settings
from messaging.store import Store, open_store
from messaging.store.inserts import insert_new
from messaging.store.tables import contract_status
from messaging.store.tables_notifications import notice_tellings, notice_watch, notices

NOON = datetime.fromisoformat("2026-10-30T12:00")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MOST = 2
TABLES = [f"t{number}" for number in range(6)]
RULES = Rules(owners={"ops": Owner(email="ops@x.example")}, most_an_hour=MOST)


class World:
    """Tables that turn red and green, a mail server that comes and goes, and a watch that may die."""

    def __init__(self, store: Store) -> None:
        self.store, self.today = store, NOON
        self.mail = "works"
        self.sent: list[tuple[datetime, str]] = []
        with store.write() as connection:
            for table in (contract_status, notices, notice_tellings, notice_watch):
                connection.execute(delete(table))

    provider, can_find = "smtp", False

    def send(self, message: OutboundMessage) -> Outcome:
        """Take a mail, refuse it, or take it and die before anybody could write that down."""
        if self.mail == "fails":
            return Rejected("retry", "The mail server could not be reached.")
        self.sent.append((self.today, message.body))
        if self.mail == "kills":
            raise KeyboardInterrupt
        return Accepted(message.message_id)

    def find(self, message: OutboundMessage, since: datetime) -> list[Any]:  # noqa: ARG002
        """Find nothing."""
        return []

    def go(self, minutes: int, action: str) -> None:
        """Let time pass, do one thing, and look."""
        self.today += minutes * MINUTE
        what, _, which = action.partition(" ")
        tables = TABLES if which == "all" else [which]
        with self.store.write() as connection:
            if what == "break":
                plain = {"state": "red", "checked_at": NOON, "rows_checked": 1, "rows_quarantined": 1}
                insert_new(connection, contract_status, [plain | {"table_name": table} for table in tables])
            elif what == "mend":
                connection.execute(delete(contract_status).where(contract_status.c.table_name.in_(tables)))
            elif what == "mail":
                self.mail = which
        self.look()

    def look(self) -> None:
        """Look as a fresh process does whenever the one before was killed."""
        ways = Ways({"email": self}, Webhook(b"", sandboxed=True), "us@x.example")
        watch = Watch(
            RULES, ways, Clock(self.today), "Harbour", "UTC", today=lambda _: self.today, holder="me"
        )
        try:
            look_once(self.store, watch)
        except KeyboardInterrupt:
            self.mail = "works"

    def calm_down(self) -> None:
        """Mend everything, and let the time pass that all-clears and full hours need."""
        self.mail = "works"
        for minutes in (16, 16, 61, 61):
            self.go(minutes, "nothing")
        self.go(0, "mend all")
        for minutes in (11, 61, 61):
            self.go(minutes, "nothing")


ACTIONS = st.sampled_from(
    [f"{what} {which}" for what in ("break", "mend") for which in ("all", *TABLES)]
    + ["nothing", "mail works", "mail fails", "mail kills"]
)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(read_settings(home=tmp_path_factory.mktemp("storms"))) as store:
        yield store


@given(st.lists(st.tuples(st.integers(0, 25), ACTIONS), max_size=15))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_no_storm_nothing_untold_and_an_all_clear_whatever_happens(
    opened: Store, steps: list[tuple[int, str]]
) -> None:
    world = World(opened)
    for minutes, action in steps:
        world.go(minutes, action)
    broken_at_last = _red(opened)
    world.calm_down()
    for moment, _ in world.sent:
        within = [one for one, _ in world.sent if timedelta() <= moment - one < HOUR]
        assert len(within) <= MOST
    with opened.read() as connection:
        rows = connection.execute(select(notices)).all()
        assert open_notices(connection) == []
    assert all((row.told_at is None) == (row.cleared_at is None) for row in rows)
    last = {row.subject: row for row in sorted(rows, key=lambda row: row.began_at)}
    assert all(last[table].told_at is not None for table in broken_at_last)
    told = "\n".join(body for _, body in world.sent)
    mentioned = Counter(row.notice_id for row in rows if row.notice_id in told)
    assert set(mentioned) >= {row.notice_id for row in rows if row.told_at is not None}


def _red(store: Store) -> list[str]:
    with store.read() as connection:
        return list(connection.execute(select(contract_status.c.table_name)).scalars())
