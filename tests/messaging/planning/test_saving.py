"""A campaign's file is saved by an editor whole, checked, and only upon what that editor has read."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from data_contracts.errors import CampaignError, RapportError, RefusedError
from messaging.audit import newest
from messaging.campaigns import save_campaign
from messaging.clock import Clock
from messaging.planner import Planner, build_planner
from messaging.settings import Settings
from messaging.store import Store
from messaging.template_versions import text_hash


@pytest.fixture
def planner(settings: Settings, store: Store, clock: Clock) -> Iterator[Planner]:
    built = build_planner(settings.model_copy(update={"company_address": "1 Quay Street"}), clock, store)
    yield built
    built.customers.close()


def stands(planner: Planner, name: str = "win_back") -> str:
    return (planner.library.folder / "campaigns" / f"{name}.yaml").read_text()


def saved(planner: Planner, text: str, read: str | None, actor: str, name: str = "win_back") -> str:
    return save_campaign(
        planner.library, planner.store, name, text, read=read, actor=actor, now=planner.clock.now()
    )


def test_of_two_editors_of_a_campaign_at_once_the_second_is_told_and_may_read_again(planner: Planner) -> None:
    before = stands(planner)
    both_read = text_hash(before)
    first = before.replace("share: 0.10", "share: 0.20")
    now_read = saved(planner, first.replace("\n", "\r\n"), both_read, "ann")  # as a browser's form sends it
    assert stands(planner) == first
    with pytest.raises(RefusedError, match=r"win_back.yaml was changed by somebody else since you read it"):
        saved(planner, before.replace("share: 0.10", "share: 0.30"), both_read, "bob")
    with pytest.raises(RefusedError, match="changed by somebody else"):
        saved(planner, before, None, "bob")  # who believes that it is new
    assert stands(planner) == first
    saved(planner, first.replace("share: 0.20", "share: 0.30"), now_read, "bob")
    assert "share: 0.30" in stands(planner)
    saved(planner, before, None, "ann", "win_back_again")
    assert planner.library.campaign("win_back_again").title == "Win back lapsed customers"
    with planner.store.read() as connection:
        told = [(each["actor"], each["subject"]) for each in newest(connection, 9, action="campaign.save")]
    assert told == [("ann", "win_back_again"), ("bob", "win_back"), ("ann", "win_back")]


def test_of_many_who_save_at_one_moment_one_does(planner: Planner) -> None:
    before, start, won = stands(planner), threading.Barrier(6), list[str]()

    def work(number: int) -> None:
        text = before.replace("share: 0.10", f"share: 0.2{number}")
        start.wait()
        try:
            saved(planner, text, text_hash(before), f"editor {number}")
        except RefusedError:
            return
        won.append(text)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert [stands(planner)] == won
    with planner.store.read() as connection:
        assert len(newest(connection, 9, action="campaign.save")) == 1


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("win_back", "holdout:", "holdout_share:", "line 8"),
        ("win_back", "segment: lapsed_customers", "segment: nobody_wrote_it", "There is no segment"),
        ("win_back", "template: win_back", "template: nobody_wrote_it", "There is no template"),
        ("../segments/lapsed_customers", "title: ", "title: ", "cannot be named"),
        ("win_back", "title: ", f"#{'x' * 100_000}\ntitle: ", "larger than 100000 bytes"),
    ],
)
def test_what_could_not_be_planned_is_not_saved(
    planner: Planner, name: str, old: str, new: str, told: str
) -> None:
    before = stands(planner)
    assert old in before
    with pytest.raises(CampaignError, match=told):
        saved(planner, before.replace(old, new), text_hash(before), "ann", name)
    assert stands(planner) == before


def test_who_saved_a_campaign_wrote_it_and_cannot_approve_it_alone(
    planner: Planner, publish: Callable[..., str], make_person: Callable[..., dict[str, Any]]
) -> None:
    publish(customer_360=[make_person(1)])
    before = stands(planner)
    saved(planner, before.replace("share: 0.10", "share: 0.05"), text_hash(before), "Ann")
    strict = build_planner(planner.settings.model_copy(update={"roles": "on"}), planner.clock, planner.store)
    run_id = strict.plan("win_back", "eva").run_id
    with pytest.raises(RapportError, match="planned or wrote"):
        strict.approve(run_id, "ann")
    assert strict.approve(run_id, "otto").state == "approved"
