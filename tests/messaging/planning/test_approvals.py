"""Who has to approve a campaign, and what is not an approval."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from data_contracts.errors import CampaignError, RefusedError
from messaging.audit import newest
from messaging.campaigns import read_campaign
from messaging.clock import Clock
from messaging.planner import Planner, build_planner
from messaging.planner.approvals import Approvals, approvals_of, approvers
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import campaign_runs, run_audience
from messaging.template_versions import text_hash
from messaging.templates.editing import roll_back, save_template

MakePerson = Callable[..., dict[str, Any]]
Publish = Callable[..., str]
FILE = "segment: lapsed\ntemplate: win_back\nchannels: [sms]\n"


@pytest.fixture
def planner(settings: Settings, store: Store, clock: Clock) -> Iterator[Planner]:
    built = build_planner(settings.model_copy(update={"company_address": "1 Quay Street"}), clock, store)
    yield built
    built.customers.close()


def with_roles(planner: Planner, above: int = 5000) -> Planner:
    """Give the same planner with roles on."""
    told = planner.settings.model_copy(update={"roles": "on", "second_approval_above": above})
    return build_planner(told, planner.clock, planner.store)


def planned(planner: Planner, publish: Publish, make_person: MakePerson, *, sends: int = 0) -> str:
    """Plan a run that writes to so many."""
    publish(customer_360=[make_person(1)])
    run_id = planner.plan("win_back", "eva").run_id
    rows = [{"run_id": run_id, "customer_id": f"cus_{each}", "decision": "send"} for each in range(sends)]
    if rows:
        with planner.store.write() as connection:
            connection.execute(insert(run_audience), rows)
    return run_id


def asks_for(planner: Planner, approval: str) -> None:
    path = planner.library.folder / "campaigns" / "win_back.yaml"
    path.write_text(f"{path.read_text()}approval: {approval}\n")


def audited(planner: Planner, run_id: str) -> list[tuple[str, str]]:
    with planner.store.read() as connection:
        found = newest(connection, 20, subject=run_id, action="campaign.appro")
    return [(each["action"], each["actor"]) for each in reversed(found)]


@pytest.mark.parametrize("name", ["eva", "Eva", " EVA ", "\uff45\uff56\uff41"])
def test_with_roles_on_who_planned_it_cannot_approve_it_alone_by_no_spelling(
    planner: Planner, publish: Publish, make_person: MakePerson, name: str
) -> None:
    strict = with_roles(planner)
    run_id = planned(strict, publish, make_person)
    with pytest.raises(RefusedError, match="cannot approve it alone"):
        strict.approve(run_id, name)
    assert strict.summary(run_id).state == "planned"
    assert audited(strict, run_id) == []
    assert strict.approve(run_id, "otto").state == "approved"
    assert audited(strict, run_id) == [("campaign.approved", "otto")]


def test_planning_it_again_by_another_name_does_not_make_the_author_another_person(
    planner: Planner, publish: Publish, make_person: MakePerson
) -> None:
    strict = with_roles(planner)
    planned(strict, publish, make_person)
    again = strict.plan("win_back", "otto").run_id
    for author in ("eva", "otto"):
        with pytest.raises(RefusedError, match="cannot approve it alone"):
            strict.approve(again, author)
    assert strict.approve(again, "uma").state == "approved"


def test_who_took_a_template_back_cannot_approve_it_alone(
    planner: Planner, publish: Publish, make_person: MakePerson
) -> None:
    strict = with_roles(planner)
    planned(strict, publish, make_person)
    file = strict.library.folder / "templates" / "sms" / "win_back.j2"
    before = text_hash(file.read_text())
    file.write_text(file.read_text() + "\n")
    strict.plan("win_back", "eva")
    roll_back(strict.store, strict.library, "win_back", before, "otto", _noon())
    run_id = strict.plan("win_back", "eva").run_id
    with pytest.raises(RefusedError, match="otto planned or wrote"):
        strict.approve(run_id, "otto")
    assert strict.approve(run_id, "uma").state == "approved"


def test_who_saved_a_template_cannot_approve_it_alone(
    planner: Planner, publish: Publish, make_person: MakePerson
) -> None:
    strict = with_roles(planner)
    planned(strict, publish, make_person)
    text = strict.library.template_texts("win_back")["sms"]["en"]
    changed = text.replace("Reply STOP", "Text STOP")
    file = ("sms", "win_back", "en")
    save_template(
        strict.library, strict.store, file, changed, read=text_hash(text), actor="otto", now=_noon()
    )
    run_id = strict.plan("win_back", "eva").run_id
    with pytest.raises(RefusedError, match="otto planned or wrote"):
        strict.approve(run_id, "otto")
    assert strict.approve(run_id, "uma").state == "approved"


@pytest.mark.parametrize(("sends", "enough"), [(10, 1), (11, 2)])
def test_above_so_many_people_a_second_different_person_has_to_approve(
    planner: Planner, publish: Publish, make_person: MakePerson, sends: int, enough: int
) -> None:
    strict = with_roles(planner, above=10)
    run_id = planned(strict, publish, make_person, sends=sends)
    first = strict.approve(run_id, "otto")
    assert first.state == ("approved" if enough == 1 else "planned")
    if enough == 1:
        return
    assert first.notices == ("One more person has to approve it, beside otto: 11 would get a message.",)
    with pytest.raises(RefusedError, match="otto has approved run"):
        strict.approve(run_id, "OTTO".lower())
    with pytest.raises(RefusedError, match="has approved run"):
        strict.approve(run_id, "Otto")
    with pytest.raises(RefusedError, match="is planned; this needs one that is approved"):
        strict.launch(run_id, "otto")
    assert strict.approve(run_id, "uma").approved_by == "otto, uma"
    assert audited(strict, run_id) == [("campaign.approval", "otto"), ("campaign.approved", "uma")]


def test_an_author_may_be_one_of_two(planner: Planner, publish: Publish, make_person: MakePerson) -> None:
    strict = with_roles(planner, above=0)
    run_id = planned(strict, publish, make_person, sends=1)
    assert "neither planned nor wrote it" in strict.approve(run_id, "eva").notices[-1]
    assert strict.approve(run_id, "otto").state == "approved"


def test_a_campaign_asks_for_more_people_than_the_installation_and_never_for_fewer(
    planner: Planner, publish: Publish, make_person: MakePerson
) -> None:
    asks_for(planner, "{people: 2}")
    run_id = planned(planner, publish, make_person)
    assert planner.approve(run_id, "otto").state == "planned"
    assert planner.approve(run_id, "uma").state == "approved"
    path = planner.library.folder / "campaigns" / "win_back.yaml"
    path.write_text(path.read_text().replace("{people: 2}", "{people: 1, second_above: 1000000}"))
    strict = with_roles(planner, above=10)
    looser = planned(strict, publish, make_person, sends=11)
    assert strict.approve(looser, "otto").state == "planned"


@pytest.mark.parametrize("nobody", ["app", "rapport", "", "  "])
def test_an_approval_is_a_persons(
    planner: Planner, publish: Publish, make_person: MakePerson, nobody: str
) -> None:
    strict = with_roles(planner)
    run_id = planned(strict, publish, make_person)
    with pytest.raises(RefusedError, match="names no person"):
        strict.approve(run_id, nobody)


@pytest.mark.parametrize("key", ["approved_by: otto", "approval: {people: 0}", "approval: {by: otto}"])
def test_no_file_approves_anything(key: str) -> None:
    with pytest.raises(CampaignError, match="line 4"):
        read_campaign("win_back", f"{FILE}{key}\n")


def test_an_approved_run_is_not_launched_where_the_rule_became_stricter(
    planner: Planner, publish: Publish, make_person: MakePerson
) -> None:
    run_id = planned(planner, publish, make_person, sends=1)
    assert "your own plan" in planner.approve(run_id, "eva").notices[0]
    with pytest.raises(RefusedError, match=r"not approved by as many.*neither planned nor wrote"):
        with_roles(planner).launch(run_id, "eva")
    assert planner.launch(run_id, "eva").state == "running"


def test_two_who_approve_at_once_both_count(
    planner: Planner, publish: Publish, make_person: MakePerson
) -> None:
    asks_for(planner, "{people: 2}")
    run_id = planned(planner, publish, make_person)
    start = threading.Barrier(2)
    failed: list[BaseException] = []

    def approve(name: str) -> None:
        try:
            start.wait()
            planner.approve(run_id, name)
        except BaseException as error:  # noqa: BLE001 - told by the assertion
            failed.append(error)

    both = [threading.Thread(target=approve, args=(name,)) for name in ("otto", "uma")]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert failed == []
    assert planner.summary(run_id).state == "approved"
    with planner.store.read() as connection:
        assert sorted(approvers(connection, run_id)) == ["otto", "uma"]
        assert connection.execute(select(campaign_runs.c.approved_at)).scalar_one() is not None


def test_the_rule_is_asked_of_the_plan_and_not_of_the_file_as_it_is_today(
    planner: Planner, publish: Publish, make_person: MakePerson
) -> None:
    asks_for(planner, "{people: 2}")
    run_id = planned(planner, publish, make_person)
    path = planner.library.folder / "campaigns" / "win_back.yaml"
    path.write_text(path.read_text().replace("approval: {people: 2}\n", ""))
    with pytest.raises(RefusedError, match="have changed since"):
        planner.approve(run_id, "otto")


def test_an_old_clock_is_no_way_around(planner: Planner, publish: Publish, make_person: MakePerson) -> None:
    strict = with_roles(planner, above=0)
    run_id = planned(strict, publish, make_person, sends=2)
    strict.approve(run_id, "otto")
    late = build_planner(strict.settings, Clock(_noon() + timedelta(days=8)), strict.store)
    with pytest.raises(RefusedError, match="7 days"):
        late.approve(run_id, "uma")


def _noon() -> datetime:
    return datetime.fromisoformat("2026-10-30T12:00")


def test_what_a_programs_name_approved_is_not_launched_once_people_have_to(
    planner: Planner, publish: Publish, make_person: MakePerson
) -> None:
    run_id = planned(planner, publish, make_person, sends=1)
    planner.approve(run_id, "rapport")
    with pytest.raises(RefusedError, match=r"not approved by as many.*One more person has to approve it"):
        with_roles(planner).launch(run_id, "otto")


def test_a_page_can_tell_who_approved_and_who_is_still_wanted_by_the_plans_own_rule(
    planner: Planner, publish: Publish, make_person: MakePerson
) -> None:
    plain = planned(planner, publish, make_person)
    contract = planner.library.contract
    assert approvals_of(planner.store, plain, contract, planner.settings) == Approvals((), None)
    asks_for(planner, "{people: 2}")
    assert (
        approvals_of(planner.store, plain, contract, planner.settings).missing is None
    )  # the plan's, not the file's
    run_id = planner.plan("win_back", "eva").run_id
    first = approvals_of(planner.store, run_id, contract, planner.settings)
    assert first.names == ()
    assert str(first.missing).startswith("Two more people have to approve it")
    assert planner.approve(run_id, "uma").state == "planned"
    second = approvals_of(planner.store, run_id, contract, planner.settings)
    assert second.names == ("uma",)
    assert str(second.missing).startswith("One more person has to approve it, beside uma")
    assert planner.approve(run_id, "otto").state == "approved"
    both = approvals_of(planner.store, run_id, contract, planner.settings)
    assert (sorted(both.names), both.missing) == (["otto", "uma"], None)
