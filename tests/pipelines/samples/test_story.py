"""The demo, on a small company: everything real but for the people."""

from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from messaging.clock import read_clock
from messaging.customers import Customers
from messaging.settings import Settings, read_settings
from messaging.store import open_store
from messaging.store.tables import attempts, messages, suppressions
from pipelines.samples.card import Card

NOON = datetime(2026, 10, 30, 12)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def told(demo_company: tuple[Path, Card]) -> tuple[Settings, Card]:
    home, card = demo_company
    return read_settings(home=home), card


def test_every_sum_of_the_card_closes(told: tuple[Settings, Card]) -> None:
    _, card = told
    sums = list(card.sums())
    assert len(sums) == 4
    assert all(whole == parts and whole > 0 for _, whole, parts in sums)


def test_bad_rows_are_set_aside_with_reasons_and_never_lost(told: tuple[Settings, Card]) -> None:
    rows = told[1].rows
    assert sum(rows.set_aside.values()) > 0
    assert rows.accepted > 1000


def test_people_are_counted_against_the_truth(told: tuple[Settings, Card]) -> None:
    people = told[1].people
    assert 200 < people.hidden <= 300
    assert people.precision >= 0.98  # of 300 people, one pair of namesakes is half a per cent
    assert people.recall >= 0.85 * people.recall_ceiling
    assert people.recall_ceiling < 1


def test_the_message_after_a_stop_never_reaches_the_provider(told: tuple[Settings, Card]) -> None:
    settings, card = told
    with open_store(settings) as store, store.read() as connection:
        blocked = connection.execute(
            select(messages.c.message_id, messages.c.state, messages.c.address_hash).where(
                messages.c.customer_id == card.stop.customer_id, messages.c.run_id.is_(None)
            )
        ).one()
        calls = select(attempts).where(attempts.c.message_id == blocked.message_id)
        assert blocked.state == "skipped"
        assert connection.execute(calls).all() == []
        why = select(suppressions.c.reason).where(suppressions.c.address_hash == blocked.address_hash)
        assert connection.execute(why).scalars().all() == ["stop"]


def test_what_came_of_the_campaign_stands_on_the_timeline_of_the_next_release(
    told: tuple[Settings, Card],
) -> None:
    settings, card = told
    assert any("(delivered)" in line for line in card.stop.on_timeline)
    with open_store(settings) as store:
        timeline = Customers(settings, store).timeline(card.stop.customer_id)
    assert any(entry.campaign == "win_back" and entry.state == "delivered" for entry in timeline)


def test_the_ugliest_message_is_among_the_three_that_are_shown(told: tuple[Settings, Card]) -> None:
    bubbles = told[1].bubbles
    assert len(bubbles) == 3
    assert "the ugliest" in bubbles[-1].remark
    assert not any("{{" in bubble.text for bubble in bubbles)


def test_the_clock_went_on_for_the_second_build(told: tuple[Settings, Card]) -> None:
    assert read_clock(Path(told[0].home)).now() > NOON


def test_it_ends_with_what_the_campaign_changed_and_why_the_one_who_said_stop_had_got_it(
    told: tuple[Settings, Card],
) -> None:
    _, card = told
    assert "Too early to say: the window closes on 13 November 2026" in card.outcome.verdict
    why = " ".join(card.outcome.why)
    for step in ("belongs to campaign 'win_back'", "approved that content", "asking us to stop", "withdrawn"):
        assert step in why
