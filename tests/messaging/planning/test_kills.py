"""A campaign whose every step is killed: nobody gets it twice, nobody is lost, and half a plan is no plan.

Everybody's run is a small one; `make soak` kills a hundred campaigns at random moments, on both databases.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from data_contracts.errors import NotFoundError, RefusedError
from messaging.addresses import Addresses
from messaging.clock import Clock, pin_clock
from messaging.consent_imports import ImportedConsent, record_imports
from messaging.dispatch import dispatch_once
from messaging.dispatch.failpoints import POINTS
from messaging.planner import Planner, audience, build_planner, list_runs
from messaging.reconcile import decide, reconcile, unclear
from messaging.sandbox import server as sandbox_server
from messaging.sandbox.server import RunningSandbox
from messaging.sandbox.settings import SandboxSettings
from messaging.senders.build import build_senders
from messaging.settings import Settings, read_settings
from messaging.store import Store
from messaging.store.tables import messages
from messaging.webhooks import server as webhooks_server

FULL = os.environ.get("RAPPORT_SOAK") == "1"
CAMPAIGNS, PEOPLE = (100, 60) if FULL else (1, 24)
LIFE = 0.3  # seconds that a process lives at most
NOON = datetime.fromisoformat("2026-10-30T12:00")
NURSERY = Path(__file__).with_name("steps_to_kill.py")
KILLED = -signal.SIGKILL
REFUSED = 3
Publish = Callable[..., str]
MakePerson = Callable[..., dict[str, Any]]


class Company:
    """A company whose campaign is planned, launched and sent by processes that may be killed."""

    def __init__(self, settings: Settings, planner: Planner, sandbox: RunningSandbox) -> None:
        self.planner, self.store, self.sandbox = planner, planner.store, sandbox
        self.senders: dict[str, Any] = build_senders(settings, ["sms"])
        words = [str(settings.home), settings.public_url, sandbox.base_url]
        self.nursery = subprocess.Popen(
            [sys.executable, str(NURSERY), *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._read() == "ready"
        self.alive = 0

    def _read(self) -> str:
        assert self.nursery.stdout is not None
        return self.nursery.stdout.readline().strip()

    def _say(self, words: str) -> str:
        assert self.nursery.stdin is not None
        self.nursery.stdin.write(f"{words}\n")
        self.nursery.stdin.flush()
        return self._read()

    def take(self, step: str, run_id: str = "-", where: str = "-", life: float | None = None) -> int:
        """Take a step in a process of its own, and kill it after `life` seconds; give how it ended."""
        self.alive = int(self._say(f"{step} {run_id} {where}"))
        if life is not None:
            time.sleep(life)
            os.kill(self.alive, signal.SIGKILL)
        ended = int(self._say("wait"))
        self.alive = 0
        return ended

    def close(self) -> None:
        """End what still lives; nobody has waited for it, so its id is still its own."""
        if self.alive:
            os.kill(self.alive, signal.SIGKILL)
        self.nursery.kill()
        self.nursery.communicate()

    def seen(self) -> Counter[str]:
        """Count how often the provider took a message to each number."""
        taken = self.sandbox.sandbox.exchange.newest_first()
        return Counter(one.recipient for one in taken if one.direction == "outbound-api")

    def state(self, run_id: str) -> str:
        """Give how a run stands."""
        return self.planner.summary(run_id).state

    def queued(self, run_id: str) -> Counter[str]:
        """Count the messages of each person of a run that may go or went."""
        here = (messages.c.run_id == run_id) & messages.c.state.not_in(["planned", "cancelled"])
        with self.store.read() as connection:
            return Counter(connection.execute(select(messages.c.customer_id).where(here)).scalars())


@pytest.fixture
def company(settings: Settings, store: Store, home: Path) -> Iterator[Company]:
    pin_clock(home, NOON)
    box = SandboxSettings(step_seconds=0.05, retry_pause=0.01)
    clock = Clock(NOON)
    with (
        webhooks_server.running(settings, store, clock, find_customers=lambda _: []) as hooks,
        sandbox_server.running(settings=box) as sandbox,
    ):
        told = read_settings(
            home=home,
            public_url=hooks.settings.public_url,
            sandbox_url=sandbox.base_url,
            company_address="1 Quay Street",
        )
        planner = build_planner(told, clock, store)
        path = told.library_dir / "campaigns" / "win_back.yaml"
        path.write_text(path.read_text().replace("share: 0.10", "share: 0"))
        made = Company(told, planner, sandbox)
        yield made
        made.close()
        planner.customers.close()


Given = Callable[[int], set[str]]


@pytest.fixture
def given(publish: Publish, make_person: MakePerson, store: Store, addresses: Addresses) -> Given:
    """Publish a company of other people each time, who all agreed to text messages; give their numbers."""

    def people(first: int) -> set[str]:
        made = [make_person(number) for number in range(first, first + PEOPLE)]
        publish(customer_360=made)
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
            for each in made
        ]
        record_imports(store, addresses, rows, NOON - timedelta(days=100))
        return {each["phone"] for each in made}

    return people


@pytest.mark.slow
@pytest.mark.timeout(3600 if FULL else 120)
def test_killed_at_each_commit_and_at_any_moment_a_campaign_reaches_everybody_once(
    company: Company, given: Given
) -> None:
    everybody = given(0)
    commits = 1 + -(-PEOPLE // 10) + 1
    for where in ("before:1", "after:1", f"after:{commits // 2}", f"before:{commits}"):
        assert company.take("plan", where=where) == KILLED
        assert list_runs(company.store) == [], f"half a plan is none ({where})"
        with pytest.raises(NotFoundError, match="rapport campaign plan"):
            company.planner.newest_run("win_back")
    for half in _half_planned(company.store):
        for step in ("approve", "launch"):
            assert company.take(step, half) == REFUSED

    assert company.take("plan", where=f"after:{commits}") == KILLED
    run_id = company.planner.newest_run("win_back", "planned")
    assert len(audience(company.store, run_id)) == PEOPLE, "what was committed whole is a whole plan"
    for step, before, after in (("approve", "planned", "approved"), ("launch", "approved", "running")):
        assert company.take(step, run_id, "before:1") == KILLED
        assert (company.state(run_id), company.queued(run_id)) == (before, Counter())
        assert company.take(step, run_id, "after:1") == KILLED
        assert company.state(run_id) == after
        assert company.take(step, run_id) == REFUSED, "a step that was taken is not taken again"
    assert sorted(company.queued(run_id).values()) == [1] * PEOPLE

    for point in (
        POINTS if FULL else ("after_claim", "after_call:3")
    ):  # all of them in dispatch/test_crashes.py
        assert company.take("dispatch", where=point) == KILLED
    _settle(company)
    assert company.seen() == dict.fromkeys(everybody, 1)
    assert company.state(run_id) == "done"
    _killed_at_random(company, given, everybody)


def _killed_at_random(company: Company, given: Given, everybody: set[str]) -> None:
    chance, kills, reached = random.Random(20261123), 0, set(everybody)
    for campaign in range(CAMPAIGNS):
        reached |= given(1000 + campaign * PEOPLE)
        before = len(list_runs(company.store))
        for _ in range(2):
            kills += company.take("plan", life=chance.uniform(0, LIFE)) == KILLED
        if len(list_runs(company.store)) == before:
            assert company.take("plan") == 0
        run_id = company.planner.newest_run("win_back", "planned")
        for step, source in (("approve", "planned"), ("launch", "approved")):
            kills += company.take(step, run_id, life=chance.uniform(0, LIFE / 3)) == KILLED
            if company.state(run_id) == source:
                assert company.take(step, run_id) == 0
        assert sorted(company.queued(run_id).values()) == [1] * PEOPLE, f"campaign {campaign}"
        for _ in range(2):
            kills += company.take("dispatch", life=chance.uniform(0, LIFE)) == KILLED
        _settle(company)
        assert company.state(run_id) == "done"
        for other in list_runs(company.store):
            if other.state == "planned":  # a plan that was whole before its process died, and not the newest
                with pytest.raises(RefusedError):
                    company.planner.launch(other.run_id, "eva")
    halves = len(_half_planned(company.store))
    print(  # noqa: T201 - a soak shows its figures
        f"\n{company.store.engine.dialect.name}: {CAMPAIGNS} campaigns, {kills:,} kills, {halves} plans half made, "
        f"{sum(company.seen().values()):,} messages to {len(reached):,} people"
    )
    assert company.seen() == dict.fromkeys(reached, 1)


def _half_planned(store: Store) -> list[str]:
    with store.read() as connection:
        return list(
            connection.execute(text("SELECT run_id FROM campaign_runs WHERE state = 'planning'")).scalars()
        )


def _settle(company: Company) -> None:
    """Do what a dispatcher and a person do in the minutes after, until nothing is open."""
    open_ones = text(
        "SELECT count(*) FROM messages WHERE state IN ('queued', 'sending', 'calling', 'unknown')"
    )
    for _ in range(12):
        with company.store.write() as connection:
            connection.execute(text("UPDATE messages SET retry_at = NULL WHERE state = 'queued'"))
        dispatch_once(company.store, company.senders, company.planner.clock)
        reconcile(company.store, company.senders, company.planner.clock, grace=timedelta(0))
        assert company.sandbox.settle(120)
        for each in unclear(company.store, 10_000):
            if each.waits:  # the provider has no record: it went not
                told = {"reason": "The provider has no record.", "actor": "test", "grace": timedelta(0)}
                decide(
                    company.store, company.senders, company.planner.clock, each.message_id, "not-sent", **told
                )
        with company.store.read() as connection:
            if not connection.execute(open_ones).scalar_one():
                break
        time.sleep(0.3)
    dispatch_once(company.store, company.senders, company.planner.clock)
