"""Shadow mode: a campaign is planned day after day on live data, once a day whoever runs, and never sent."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update
from typer.testing import CliRunner

from data_contracts.errors import CampaignError, RefusedError
from messaging import policy
from messaging.addresses import Addresses
from messaging.campaigns import read_campaign
from messaging.cli.app import app
from messaging.cli.sending import going_by_themselves
from messaging.clock import Clock, pin_clock
from messaging.consent_imports import ImportedConsent, record_imports
from messaging.notifications.facts import read_facts
from messaging.planner import Planner, ShadowDay, Shadows, build_planner, shadow_days_of
from messaging.planner.standing import approve_standing
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.ids import new_id
from messaging.store.tables import campaign_runs, messages, run_audience
from messaging.store.tables_shadows import shadow_days, shadow_people

AGREED_AT = datetime.fromisoformat("2026-10-01")
PRICES = "prices: {sms: {each: 0.04, by country: {GB: 0.03}}, email: {each: 0.001}}\n"
Publish = Callable[..., str]
MakePerson = Callable[..., dict[str, Any]]


@pytest.fixture
def planner(
    settings: Settings,
    store: Store,
    clock: Clock,
    addresses: Addresses,
    publish: Publish,
    make_person: MakePerson,
) -> Iterator[Planner]:
    built = build_planner(settings.model_copy(update={"company_address": "1 Quay Street"}), clock, store)
    change(built, "share: 0.10", "share: 0.2")
    with (built.library.folder / "campaigns" / "win_back.yaml").open("a") as file:
        file.write("shadow: true\n")
    people = [make_person(number) for number in range(24)]
    publish(customer_360=people[:20])
    record_imports(store, addresses, [agreed(each["customer_id"]) for each in people[:16]], AGREED_AT)
    yield built
    built.customers.close()


def agreed(customer_id: str) -> ImportedConsent:
    return ImportedConsent(
        customer_id=customer_id, source="shop", source_record_id=customer_id, channel="sms", purpose="marketing",
        action="grant", legal_basis="consent", occurred_at=AGREED_AT, method="web form", wording=None, locale=None,
        address=None,
    )  # fmt: skip


def change(planner: Planner, old: str, new: str) -> None:
    path = planner.library.folder / "campaigns" / "win_back.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def after(planner: Planner, **later: float) -> Shadows:
    """Look at another time, as another process does."""
    clock = Clock(planner.clock.now() + timedelta(**later))
    return Shadows(build_planner(planner.settings, clock, planner.store))


def rows(planner: Planner, table: Any) -> int:
    with planner.store.read() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def closes(day: ShadowDay) -> bool:
    assert day.matched is not None
    assert day.to_send is not None
    assert day.held_out is not None
    by_channel = sum(day.by_channel.values())
    return (
        day.matched == day.to_send + day.held_out + sum(day.excluded.values()) and by_channel == day.to_send
    )


def test_a_shadow_keeps_day_after_day_what_it_would_have_done_and_sends_nothing(
    planner: Planner, publish: Publish, make_person: MakePerson
) -> None:
    shipped = (Path(policy.__file__).parent / "limits.yaml").read_text()
    (planner.settings.home / "limits.yaml").write_text(f"{shipped}\n{PRICES}")
    (first,) = Shadows(planner).look()
    assert (first.day, first.state, first.came, first.went) == (date(2026, 10, 30), "planned", None, None)
    assert closes(first)
    assert (first.matched, first.excluded) == (20, {"no_consent": 4})
    real = planner.plan("win_back", "eva")  # by hand it counts the same
    assert (first.to_send, first.held_out, first.by_channel) == (real.to_send, real.held_out, real.by_channel)
    assert (first.cost, first.currency) == (first.to_send * 30_000, planner.settings.currency)
    before = {table: rows(planner, table) for table in (campaign_runs, run_audience, messages)}
    people = [make_person(number) for number in range(24)]
    aliases = [
        {"old_customer_id": people[3]["customer_id"], "customer_id": people[4]["customer_id"]},
    ]
    newer = publish(customer_360=people[4:], identity_alias=aliases)
    (second,) = after(planner, days=1).look()
    assert closes(second)
    assert (second.matched, second.came, second.went) == (20, 4, 3)  # who became somebody else did not go
    assert second.release_version == newer != first.release_version
    assert shadow_days_of(planner.store, "win_back") == [first, second]
    assert {table: rows(planner, table) for table in before} == before
    assert rows(planner, shadow_people) == 20  # those of the newest day alone


def test_a_day_is_planned_once_whoever_looks_and_from_nine_on(planner: Planner) -> None:
    start, found = threading.Barrier(4), list[ShadowDay]()

    def work() -> None:
        shadows = after(planner)
        start.wait()
        found.extend(shadows.look())

    assert after(planner, hours=-4).look() == []  # 8 in London
    threads = [threading.Thread(target=work) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert [each.state for each in found] == ["planned"]
    assert after(planner, hours=3).look() == []
    assert Shadows(planner).plan("win_back", anew=True) is None
    assert rows(planner, shadow_people) == 20
    assert len(after(planner, days=1).look()) == 1


def test_a_day_that_failed_is_told_and_tried_again_once_its_hour_is_over(planner: Planner) -> None:
    change(planner, "template: win_back", "template: nowhere")
    (failed,) = Shadows(planner).look()
    assert failed.state == "failed"
    assert "There is no template 'nowhere'" in (failed.told or "")
    with planner.store.read() as connection:
        (held,) = read_facts(connection, planner.clock.now()).held
    assert "its day in shadow mode failed. Campaign 'win_back'" in held.told
    change(planner, "template: nowhere", "template: win_back")
    assert Shadows(planner).look() == []
    lease_ran_out(planner)
    (mended,) = Shadows(planner).look()
    assert (mended.state, mended.told) == ("planned", None)


def test_who_died_over_a_day_is_taken_over_and_finds_that_out_should_they_live(
    planner: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Shadows(planner)
    decided, by_another = slow._decide, list[ShadowDay]()

    def and_sleep(campaign: str, plan_id: str) -> dict[str, Any]:
        values = decided(campaign, plan_id)
        assert Shadows(planner).look() == []  # it is being planned
        lease_ran_out(planner)
        by_another.extend(Shadows(planner).look())
        return values

    monkeypatch.setattr(slow, "_decide", and_sleep)
    assert slow.look() == []
    assert shadow_days_of(planner.store, "win_back") == by_another
    assert [each.state for each in by_another] == ["planned"]
    assert rows(planner, shadow_people) == 20


def lease_ran_out(planner: Planner) -> None:
    with planner.store.write() as connection:
        connection.execute(update(shadow_days).values(lease_until=AGREED_AT))


def test_what_is_in_shadow_mode_is_not_launched_and_what_left_it_is_planned_anew(planner: Planner) -> None:
    run_id = planner.plan("win_back", "eva").run_id
    planner.approve(run_id, "otto")
    with pytest.raises(
        RefusedError, match="is in shadow mode: it is planned day after day, and sends nothing"
    ):
        planner.launch(run_id, "otto")
    change(planner, "shadow: true", "shadow: false")
    with pytest.raises(RefusedError, match="in shadow mode"):
        planner.launch(run_id, "otto")  # what was approved says so still
    assert Shadows(planner).look() == []
    with pytest.raises(RefusedError, match="not in shadow mode"):
        Shadows(planner).plan("win_back")
    run_id = planner.plan("win_back", "eva").run_id
    planner.approve(run_id, "otto")
    assert planner.launch(run_id, "otto").state == "running"


def test_no_approval_of_a_shadow_stands(planner: Planner) -> None:
    change(planner, "shadow: true", 'shadow: true\nschedule: {every: day, at: "14:00"}')
    with pytest.raises(RefusedError, match="is in shadow mode"):
        approve_standing(planner, planner.plan("win_back", "eva").run_id, "otto")


def test_one_broken_file_keeps_no_other_campaign_from_its_day(planner: Planner) -> None:
    (planner.library.folder / "campaigns" / "broken.yaml").write_text("segment: [\n")
    assert [each.campaign for each in Shadows(planner).look()] == ["win_back"]
    with pytest.raises(CampaignError, match="shadow"):
        read_campaign("x", "segment: a\ntemplate: b\nchannels: [sms]\nshadow: sometimes\n")


def test_the_dispatcher_that_runs_on_plans_it(planner: Planner, clock: Clock) -> None:
    pin_clock(planner.settings.home, clock.now())
    with going_by_themselves(planner.settings, planner.store, once=True):
        assert shadow_days_of(planner.store, "win_back") == []
    with going_by_themselves(planner.settings, planner.store, once=False):
        until = time.monotonic() + 20
        while not _planned(planner) and time.monotonic() < until:
            time.sleep(0.05)
    assert _planned(planner)


def _planned(planner: Planner) -> bool:
    return [each.state for each in shadow_days_of(planner.store, "win_back")] == ["planned"]


def test_the_days_are_a_table_and_a_json_document(
    planner: Planner, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAPPORT_HOME", str(planner.settings.home))
    monkeypatch.setenv("COLUMNS", "160")
    pin_clock(planner.settings.home, clock.now())

    def run(*arguments: str) -> str:
        return CliRunner().invoke(app, ["campaign", "shadow", *arguments], catch_exceptions=False).stdout

    assert "No day is planned yet" in run("win_back")
    shown = run("win_back", "--plan")
    assert "2026-10-30" in shown
    assert "4 left out (no consent)" in shown
    change(planner, "share: 0.2", "share: 0.3")
    after(planner, days=1).look()
    assert "2026-10-31: its files say something else than on the day before." in run("win_back")
    document = json.loads(run("win_back", "--json"))
    assert document["shadow"] is True
    assert [(each["day"], each["matched"], each["came"]) for each in document["days"]] == [
        ("2026-10-30", 20, None),
        ("2026-10-31", 20, 0),
    ]
    result = CliRunner().invoke(app, ["campaign", "shadow", "welcome"])
    assert isinstance(result.exception, RefusedError)


def test_a_plan_id_sorts_after_those_that_were_made_before() -> None:
    made = [new_id("run") for _ in range(50)]
    assert made == sorted(made)  # what a shadow forgets are plans of lesser ids
