"""What a run changed: goals within the window, groups as the lot drew them, and no word too early."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import insert

from data_contracts.contracts import published_contract
from data_contracts.errors import CampaignError
from messaging.campaigns import Campaign, Library, fill_library, read_campaign, read_content
from messaging.clock import Clock
from messaging.customers import Customers
from messaging.effects import Group
from messaging.planner import lift
from messaging.planner.lifts import compare
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import campaign_runs, run_audience
from pipelines.samples.outreach import CAMPAIGNS, LIFT, WINDOW_DAYS
from pipelines.samples.world import World, make_world

TEXT = "segment: lapsed_customers\ntemplate: win_back\nchannels: [sms]\nholdout: {share: 0.2, salt: s}\n"
MakePerson = Callable[..., dict[str, Any]]


def written(settings: Settings, extra: str = "") -> Library:
    fill_library(settings)
    (settings.library_dir / "campaigns" / "tried.yaml").write_text(
        TEXT
        + extra
        + "values: {offer_code: A, offer_share: B, offer_days: '1', shop_url: 'https://example.com'}\n"
    )
    return Library(settings.library_dir)


@pytest.fixture
def launched(settings: Settings, store: Store, clock: Clock) -> Callable[..., str]:
    """Store a run that was launched, with the people of each group."""

    def store_run(
        groups: dict[str, list[str]], extra: str = "goal: {did: {kind: order}, within_days: 7}\n"
    ) -> str:
        content = written(settings, extra).content("tried")
        at = clock.now()
        with store.write() as connection:
            connection.execute(
                insert(campaign_runs).values(
                    run_id="run_1",
                    campaign="tried",
                    content_hash=content.hash,
                    content=content.document,
                    release_version="v",
                    state="done",
                    planned_at=at,
                    planned_by="mia",
                    launched_at=at,
                )
            )
            for group, people in groups.items():
                decision = group if group in {"holdout", "excluded"} else "send"
                rows = [
                    {"run_id": "run_1", "customer_id": each, "decision": decision,
                     "variant": group if decision == "send" and group != "all" else None}
                    for each in people
                ]  # fmt: skip
                connection.execute(insert(run_audience), rows)
        return "run_1"

    return store_run


def orders(people: list[str], at: Any, minor: int = 5000) -> list[dict[str, Any]]:
    return [
        {"customer_id": each, "occurred_at": at, "touch_id": f"{each}/{at}/{minor}", "amount_minor": minor}
        for each in people
    ]


def test_goals_in_the_window_are_counted_in_the_group_that_the_lot_drew(
    store: Store,
    customers: Customers,
    clock: Clock,
    publish: Callable[..., str],
    make_person: MakePerson,
    launched: Callable[..., str],
) -> None:
    ids = [make_person(number)["customer_id"] for number in range(200)]
    written_to, held_out, excluded = ids[:100], ids[100:180], ids[180:]
    now, day = clock.now(), timedelta(days=1)
    touches = orders(written_to[:30], now + day) + orders(written_to[:10], now + 2 * day, 700)
    touches += orders(held_out[:8], now + 7 * day) + orders(excluded, now + day)
    touches += (
        orders(ids, now - day) + orders(ids, now + 8 * day) + orders(written_to[:5], now + 3 * day, -900)
    )
    for refund in touches[-5:]:
        refund["kind"] = "refund"
    publish(
        as_of=now + 10 * day,
        customer_360=[make_person(number) for number in range(200)],
        customer_timeline=touches,
    )
    launched({"all": written_to, "holdout": held_out, "excluded": excluded})
    found = lift(store, customers, "run_1")
    assert found is not None
    (one,) = found.lifts
    assert (one.written.people, one.written.reached, one.written.times) == (100, 30, 40)
    assert one.written.money == 30 * 5000 + 10 * 700 - 5 * 900
    assert (found.held_out.people, found.held_out.reached) == (80, 8)
    assert one.effect is not None
    assert one.effect.share.difference == pytest.approx(0.2)
    assert found.is_over
    assert found.verdict.startswith("Of 100 people 20.0 more did it (between ")


def test_who_is_one_person_today_and_was_drawn_into_both_groups_counts_in_none(
    store: Store,
    customers: Customers,
    clock: Clock,
    publish: Callable[..., str],
    make_person: MakePerson,
    launched: Callable[..., str],
) -> None:
    ids = [make_person(number)["customer_id"] for number in range(4)]
    aliases = [
        {"old_customer_id": ids[0], "customer_id": ids[2]},
        {"old_customer_id": ids[1], "customer_id": ids[3]},
    ]
    publish(as_of=clock.now(), customer_360=[make_person(2), make_person(3)], identity_alias=aliases)
    launched({"all": [ids[0], ids[1], ids[3]], "holdout": [ids[2]]})
    found = lift(store, customers, "run_1")
    assert found is not None
    assert (found.in_both, found.held_out.people, found.lifts[0].written.people) == (1, 0, 1)
    assert "Too early to say" in found.verdict


def test_nothing_is_compared_without_a_holdout_or_before_the_launch(
    store: Store, customers: Customers, publish: Callable[..., str], launched: Callable[..., str]
) -> None:
    publish()
    launched({"all": ["cus_1"]}, "goal: {did: {kind: order}}\n")
    with store.write() as connection:
        connection.execute(campaign_runs.update().values(launched_at=None))
    assert lift(store, customers, "run_1") is None


def campaign(extra: str = "") -> Campaign:
    return read_campaign("tried", TEXT + extra)


@pytest.mark.parametrize(
    ("groups", "told"),
    [
        ({"all": Group(500, 50, 50, 50), "holdout": Group(200, 20, 20, 20)}, "No clear change"),
        ({"all": Group(500, 50, 50, 50), "holdout": Group(10, 1, 1, 1)}, "Too few people to say"),
        ({"all": Group(500, 50, 50, 50)}, "Too few people to say"),
        (
            {"all": Group(900, 90, 90, 90), "holdout": Group(900, 190, 190, 190)},
            "11.1 fewer did it (between 7.",
        ),
        (
            {"a": Group(900, 90, 90, 90), "b": Group(900, 190, 190, 190), "holdout": Group(900, 90, 90, 90)},
            "11.1 more did it with variant b",
        ),
    ],
)
def test_the_verdict_says_no_more_than_the_range(groups: dict[str, Group], told: str, clock: Clock) -> None:
    found = compare(groups, campaign(), clock.now() + timedelta(days=30), clock.now())
    assert told in found.verdict
    assert json.dumps(found.to_document(), default=str)


def test_variants_are_drawn_by_their_shares_and_by_another_lot_than_the_holdout() -> None:
    tried = campaign("goal: {did: {kind: review}}\n").holdout
    drawn = replace(campaign(), variants=_variants("{a: {template: x, share: 3}, b: {template: y}}"))
    people = [f"cus_{number:05d}" for number in range(20_000)]
    names = np.array([drawn.variant_of(each).name for each in people])
    held = np.array([tried.holds(each) for each in people])
    assert abs((names == "a").mean() - 0.75) < 0.012
    assert abs((names[held] == "a").mean() - 0.75) < 0.025
    assert [drawn.variant_of(each).name for each in people[:50]] == list(names[:50])


def _variants(text: str) -> Any:
    lines = TEXT.replace("template: win_back\n", f"variants: {text}\n")
    return read_campaign("tried", lines).variants


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ("variants: {a: {template: x}}\n", "it names a template beside `variants`"),
        ("goal: {did: {kind: ordr}}\n", "line 5: kind is never 'ordr'"),
        ("goal: {within_days: 3}\n", "a goal holds `did`"),
        ("goal: {did: {kind: order}, within_days: 900}\n", "from 1 to 365"),
    ],
)
def test_a_wrong_goal_or_variant_is_told_with_its_line(extra: str, told: str) -> None:
    with pytest.raises(CampaignError, match=told):
        campaign(extra)


def test_every_variant_says_its_own_template_to_its_own_people(settings: Settings) -> None:
    library = written(settings)
    folder = library.folder / "templates" / "sms"
    (folder / "come_back.j2").write_text(
        (folder / "win_back.j2").read_text().replace("Reply STOP", "Text STOP")
    )
    path = library.folder / "campaigns" / "tried.yaml"
    text = path.read_text().replace(
        "template: win_back", "variants: {a: {template: win_back}, b: {template: come_back}}"
    )
    path.write_text(text)
    content = library.content("tried")
    assert sorted(content.templates) == ["come_back", "win_back"]
    assert read_content(content.document, published_contract("customer_360")).templates == content.templates
    before = content.hash
    (folder / "come_back.j2").write_text(
        (folder / "come_back.j2").read_text().replace("Text STOP", "Send STOP")
    )
    assert library.content("tried").hash != before


def sums(world: World, index: int) -> dict[str, Group]:
    """Give the sums of one of the sample company's campaigns from what it knows for certain."""
    outreach, history = world.history.outreach, world.history
    rows = np.flatnonzero(outreach.campaign == index)
    person = history.accounts.person[outreach.account[rows]]
    at = outreach.at[rows]
    counts = np.zeros(len(rows))
    place = {one: number for number, one in enumerate(person)}
    for one, when in zip(history.orders.person, history.orders.at, strict=True):
        if (number := place.get(one)) is not None and at[number] < when <= at[number] + np.timedelta64(
            WINDOW_DAYS, "D"
        ):
            counts[number] += 1
    groups = {}
    for name, which in (("all", ~outreach.held_out[rows]), ("holdout", outreach.held_out[rows])):
        times = counts[which]
        groups[name] = Group(len(times), int((times > 0).sum()), float(times.sum()), float((times**2).sum()))
    return groups


def test_the_planted_lift_of_the_sample_company_lies_in_the_range() -> None:
    """Sixteen companies of four campaigns each. Of a hundred companies 95, 94, 96 and 99 held it (2026-11-23)."""
    held = []
    for seed in range(16):
        world = make_world(5000, seed)
        for index, (_, _, day) in enumerate(CAMPAIGNS[:4]):  # the fifth one's window is still open
            began = day.item()
            (one,) = compare(sums(world, index), campaign(), began + timedelta(days=30), began).lifts
            assert one.effect is not None
            held.append(one.effect.times.low <= LIFT <= one.effect.times.high)
    assert sum(held) / len(held) >= 0.93
