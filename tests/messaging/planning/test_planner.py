import io
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import JSON, func, insert, select, text, update
from typer.testing import CliRunner

from data_contracts.errors import NotFoundError, RefusedError, SettingsError
from messaging import brand, consent
from messaging.addresses import Addresses
from messaging.audit import newest
from messaging.cli import app
from messaging.clock import Clock, pin_clock
from messaging.consent_imports import ImportedConsent, record_imports
from messaging.deliverability import Tolerance, halt_harmful
from messaging.outbox import claim, finish_runs, to_calling
from messaging.planner import (
    Planner,
    SumsDoNotCloseError,
    audience,
    build_planner,
    list_runs,
    report,
    ugliest,
    why_customer,
    why_message,
)
from messaging.planner.half_plans import clear_half_plans
from messaging.quiet_hours import read_quiet_rules
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import campaign_runs, contract_status, messages, run_audience
from messaging.store.tables_record import audit

NOON = datetime.fromisoformat("2026-10-30T12:00")
MakePerson = Callable[..., dict[str, Any]]
People = list[dict[str, Any]]


@pytest.fixture
def planner(settings: Settings, store: Store, clock: Clock) -> Iterator[Planner]:
    told = settings.model_copy(update={"company_name": "Harbour & Pine", "company_address": "1 Quay Street"})
    built = build_planner(told, clock, store)
    path = told.library_dir / "campaigns" / "win_back.yaml"
    path.write_text(path.read_text().replace("share: 0.10", "share: 0"))
    yield built
    built.customers.close()


@pytest.fixture
def agree(store: Store, addresses: Addresses) -> Callable[..., None]:
    """Record that people agreed to marketing, on both channels unless said otherwise."""

    def record(people: People, channels: tuple[str, ...] = ("sms", "email"), action: str = "grant") -> None:
        rows = [
            ImportedConsent(
                customer_id=each["customer_id"],
                source="shop",
                source_record_id=f"consent/{action}/{channel}/{each['customer_id']}",
                channel=channel,
                purpose="marketing",
                action=action,
                legal_basis="consent",
                occurred_at=NOON - timedelta(days=100),
                method="web form",
                wording=None,
                locale=None,
                address=None,
            )
            for each in people
            for channel in channels
        ]
        record_imports(store, addresses, rows, NOON - timedelta(days=100))

    return record


Agree = Callable[..., None]


def decided(store: Store, run_id: str) -> dict[str, tuple[str, str | None, str | None]]:
    return {row.customer_id: (row.decision, row.reason, row.channel) for row in audience(store, run_id)}


def test_everybody_whom_the_segment_matches_is_decided_about(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson, agree: Agree
) -> None:
    people = [
        make_person(0),
        make_person(1, phone=None, email=None),
        make_person(2),
        make_person(3),
        make_person(4, preferred_channel="email"),
        make_person(5, phone=None),
        make_person(6, phone="12", email=None),
        make_person(7, lifecycle_stage="active"),
    ]
    publish(customer_360=people)
    agree([people[number] for number in (0, 1, 4, 5, 6, 7)])
    agree([people[3]], action="revoke")
    summary = planner.plan("win_back", "eva")
    ids = [each["customer_id"] for each in people]
    assert decided(planner.store, summary.run_id) == {
        ids[0]: ("send", None, "sms"),
        ids[1]: ("excluded", "no_address", None),
        ids[2]: ("excluded", "no_consent", None),
        ids[3]: ("excluded", "opted_out", None),
        ids[4]: ("send", None, "email"),
        ids[5]: ("send", None, "email"),
        ids[6]: ("excluded", "invalid_address", None),
    }
    assert (summary.matched, summary.to_send, summary.held_out) == (7, 3, 0)
    assert summary.excluded == {"no_address": 1, "no_consent": 1, "opted_out": 1, "invalid_address": 1}
    assert all(row.detail for row in audience(planner.store, summary.run_id))
    assert report(planner.store, summary.run_id).messages == {"planned": 3}


def test_two_people_at_one_address_get_one_message(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson, agree: Agree
) -> None:
    shared = {"phone": "+442079460001", "email": None}
    people = [
        make_person(1, **shared, last_seen_at=NOON - timedelta(days=300)),
        make_person(2, **shared, last_seen_at=NOON - timedelta(days=200)),
        make_person(3, phone=shared["phone"], last_seen_at=NOON - timedelta(days=400)),
    ]
    publish(customer_360=people)
    agree(people)
    found = decided(planner.store, planner.plan("win_back", "eva").run_id)
    assert found[people[0]["customer_id"]] == ("excluded", "duplicate_address", None)
    assert found[people[1]["customer_id"]] == ("send", None, "sms")
    assert found[people[2]["customer_id"]] == ("send", None, "email")


@pytest.mark.parametrize("falls", [True, False])
def test_the_same_message_by_the_next_channel_is_planned_where_the_campaign_says_so(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson, agree: Agree, *, falls: bool
) -> None:
    path = planner.library.folder / "campaigns" / "win_back.yaml"
    path.write_text(path.read_text() + f"fall_back: {str(falls).lower()}\n")
    people = [make_person(1), make_person(2, phone=None), make_person(3, preferred_channel="email")]
    publish(customer_360=people)
    agree(people)
    planner.plan("win_back", "eva")
    with planner.store.read() as connection:
        rows = connection.execute(
            text(
                "SELECT m.customer_id, m.channel, a.planned FROM messages m"
                " JOIN message_alternatives a ON a.message_id = m.message_id"
            ).columns(planned=JSON)
        ).all()
        assert connection.execute(text("SELECT count(*) FROM messages")).scalar() == 3
    found = {row.customer_id: (row.channel, row.planned["channel"]) for row in rows}
    first, _, third = (each["customer_id"] for each in people)
    assert found == ({first: ("sms", "email"), third: ("email", "sms")} if falls else {})
    assert all(row.planned["body"] and row.planned["run_id"] for row in rows)


def test_whom_the_lot_holds_out_could_have_been_written_to(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson, agree: Agree
) -> None:
    path = planner.library.folder / "campaigns" / "win_back.yaml"
    path.write_text(path.read_text().replace("share: 0,", "share: 0.3,"))
    people = [make_person(number) for number in range(200)]
    publish(customer_360=people)
    agree(people[:150])
    summary = planner.plan("win_back", "eva")
    holdout = planner.library.campaign("win_back").holdout
    expected = {each["customer_id"] for each in people[:150] if holdout.holds(each["customer_id"])}
    found = decided(planner.store, summary.run_id)
    assert {customer_id for customer_id, row in found.items() if row[0] == "holdout"} == expected
    assert Counter(row[0] for row in found.values()) == {
        "send": 150 - len(expected),
        "holdout": len(expected),
        "excluded": 50,
    }
    assert not expected & {row.customer_id for row in audience(planner.store, summary.run_id, "send")}


def test_a_blocked_address_and_an_opt_out_under_an_earlier_id_are_left_out(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson, agree: Agree, addresses: Addresses
) -> None:
    people = [make_person(1, email=None), make_person(2, email=None)]
    publish(
        customer_360=people,
        identity_alias=[{"old_customer_id": "cus_old", "customer_id": people[1]["customer_id"]}],
    )
    agree(people)
    agree([{"customer_id": "cus_old"}], action="revoke")
    with planner.store.write() as connection:
        consent.stop(
            connection,
            address_hash=addresses.hash(people[0]["phone"]),
            channel="sms",
            at=NOON,
            source="twilio",
        )
    found = decided(planner.store, planner.plan("win_back", "eva").run_id)
    assert [found[each["customer_id"]][1] for each in people] == ["suppressed", "opted_out"]


def test_night_does_not_exclude_but_waits(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson, agree: Agree
) -> None:
    sleeper = make_person(1, time_zone="America/Los_Angeles", email=None)
    publish(customer_360=[sleeper])
    agree([sleeper])
    summary = planner.plan("win_back", "eva")
    assert (summary.to_send, summary.waiting_for_hours) == (1, 1)
    with planner.store.read() as connection:
        waits = connection.execute(select(messages.c.send_after, messages.c.reason)).one()
    assert waits == (NOON + timedelta(hours=4), "quiet_hours")  # nine in the morning there
    (row,) = audience(planner.store, summary.run_id)
    assert row.detail is not None
    assert "marketing may arrive from" in row.detail


def test_the_outbox_says_why_a_message_waits_from_its_plan_on(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson, agree: Agree, settings: Settings
) -> None:
    sleeper = make_person(1, time_zone="America/Los_Angeles", email=None)
    publish(customer_360=[sleeper])
    agree([sleeper])
    run_id = planner.plan("win_back", "eva").run_id
    pin_clock(settings.home, NOON)
    home = {"RAPPORT_HOME": str(settings.home), "COLUMNS": "160"}
    why = "It is 05:00 in Los Angeles; marketing may arrive from 09:00."
    for state in ("planned", "queued"):
        if state == "queued":
            planner.approve(run_id, "otto")
            planner.launch(run_id, "eva")
        listed = CliRunner().invoke(app, ["outbox", "list", "--state", state], env=home).stdout
        assert f"  {why}\n  It waits until 2026-10-30 16:00 UTC." in listed
        (message_id,) = re.findall(r"msg_\S+", listed)
        assert why in CliRunner().invoke(app, ["outbox", "show", message_id], env=home).stdout
        told = CliRunner().invoke(app, ["why", message_id], env=home).stdout
        assert told.split("\nThe message\n")[0].count(why) == 1


def test_who_has_no_common_hour_is_left_out(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson, agree: Agree
) -> None:
    traveller = make_person(1, time_zone="Australia/Sydney", email=None)  # but their phone is British
    publish(customer_360=[traveller])
    agree([traveller])
    assert planner.plan("win_back", "eva").excluded == {"quiet_hours": 1}


def test_nobody_gets_the_same_campaign_twice_within_its_own_distance(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson, agree: Agree
) -> None:
    people = [make_person(1)]
    publish(customer_360=people)
    agree(people)
    first = planner.plan("win_back", "eva")
    with planner.store.write() as connection:
        sent = {"state": "done", "calling_at": NOON - timedelta(days=89)}
        connection.execute(update(messages).where(messages.c.run_id == first.run_id).values(sent))
    assert planner.plan("win_back", "eva").excluded == {"already_written": 1}
    with planner.store.write() as connection:
        connection.execute(update(messages).values(calling_at=NOON - timedelta(days=91)))
    assert planner.plan("win_back", "eva").to_send == 1


def test_who_was_held_out_counts_in_one_comparison_as_whoever_was_written_to_does(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson, agree: Agree
) -> None:
    path = planner.library.folder / "campaigns" / "win_back.yaml"
    path.write_text(path.read_text().replace("share: 0,", "share: 0.3,"))
    people = [make_person(number) for number in range(60)]
    agree(people)
    publish(customer_360=people[:40])
    first = planner.plan("win_back", "eva")
    planner.approve(first.run_id, "otto")
    planner.launch(first.run_id, "otto")
    with planner.store.write() as connection:
        went = {"state": "done", "calling_at": NOON}
        connection.execute(update(messages).where(messages.c.run_id == first.run_id).values(went))
    publish(customer_360=people)
    holds = planner.library.campaign("win_back").holdout.holds
    fresh = sum(holds(each["customer_id"]) for each in people[40:])
    assert 0 < fresh < 20
    again = planner.plan("win_back", "eva")
    assert (again.to_send, again.held_out) == (20 - fresh, fresh)
    assert again.excluded == {"already_written": first.to_send, "already_held_out": first.held_out}
    planner.stop(first.run_id, "otto")  # whoever it did not come to is planned again
    assert planner.plan("win_back", "eva").held_out == fresh + first.held_out


def test_who_had_the_campaign_under_an_earlier_id_does_not_get_it_again(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson, agree: Agree
) -> None:
    old, new = make_person(1), make_person(2)
    publish(customer_360=[old])
    agree([old, new])
    first = planner.plan("win_back", "eva")
    with planner.store.write() as connection:
        sent = {"state": "done", "calling_at": NOON - timedelta(days=20)}
        connection.execute(update(messages).where(messages.c.run_id == first.run_id).values(sent))
    alias = {"old_customer_id": old["customer_id"], "customer_id": new["customer_id"]}
    publish(customer_360=[new], identity_alias=[alias])
    assert planner.plan("win_back", "eva").excluded == {"already_written": 1}


def test_of_two_plans_made_side_by_side_only_one_can_be_launched(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson, agree: Agree
) -> None:
    people = [make_person(number) for number in range(3)]
    publish(customer_360=people)
    agree(people)
    first, second = (planner.plan("win_back", "eva").run_id for _ in range(2))
    for run_id in (first, second):
        planner.approve(run_id, "otto")
    planner.launch(first, "eva")
    with planner.store.write() as connection:
        went = {"state": "done", "calling_at": NOON}
        connection.execute(update(messages).where(messages.c.run_id == first).values(went))
        finish_runs(connection, NOON)
    with pytest.raises(RefusedError, match="3 of the people in run"):
        planner.launch(second, "eva")


def test_an_approved_plan_that_grew_old_cannot_be_launched(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson
) -> None:
    publish(customer_360=[make_person(1)])
    run_id = planner.plan("win_back", "eva").run_id
    planner.approve(run_id, "otto")
    with planner.store.write() as connection:
        connection.execute(update(campaign_runs).values(planned_at=NOON - timedelta(days=8)))
    with pytest.raises(RefusedError, match="7 days"):
        planner.launch(run_id, "eva")


def test_a_run_that_was_planned_long_ago_is_resumed_with_a_reason_alone(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson, agree: Agree
) -> None:
    people = [make_person(1)]
    publish(customer_360=people)
    agree(people)
    run_id = planner.plan("win_back", "eva").run_id
    planner.approve(run_id, "otto")
    planner.launch(run_id, "eva")
    planner.pause(run_id, "eva")
    with planner.store.write() as connection:
        connection.execute(update(campaign_runs).values(planned_at=NOON - timedelta(days=120)))
    with pytest.raises(RefusedError, match="7 days"):
        planner.resume(run_id, "eva")
    assert planner.summary(run_id).state == "paused"
    assert planner.resume(run_id, "eva", "The shop was closed.").state == "running"
    with planner.store.read() as connection:
        (entry,) = newest(connection, 9, action="campaign.resume_anyway")
    assert (entry["actor"], entry["subject"]) == ("eva", run_id)
    assert entry["detail"] == {"campaign": "win_back", "reason": "The shop was closed."}


def test_a_run_that_did_harm_says_so_and_is_resumed_with_a_reason_alone(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson, agree: Agree
) -> None:
    people = [make_person(number) for number in range(4)]
    publish(customer_360=people)
    agree(people)
    run_id = planner.plan("win_back", "eva").run_id
    planner.approve(run_id, "otto")
    planner.launch(run_id, "eva")
    went = {"state": "accepted", "calling_at": NOON}
    with planner.store.write() as connection:
        connection.execute(update(messages).values(**went))
        for row in connection.execute(select(messages.c.channel, messages.c.address_hash)).all():
            consent.suppress(
                connection,
                address_hash=row.address_hash,
                channel=row.channel,
                reason="complaint",
                at=NOON,
                source="test",
            )
    tolerance = Tolerance(1, {channel: {"complained": 0.003} for channel in ("sms", "email")})
    (halt,) = halt_harmful(planner.store, planner.clock, tolerance)
    assert planner.summary(run_id).halted == report(planner.store, run_id).halted == halt.sentence
    with pytest.raises(RefusedError, match=r"paused by itself: .* were reported as spam"):
        planner.resume(run_id, "eva")
    resumed = planner.resume(run_id, "eva", "The mailbox provider was wrong.")
    assert (resumed.state, resumed.halted) == ("running", None)
    assert halt_harmful(planner.store, planner.clock, tolerance) == []


def test_a_campaigns_own_cap_is_kept_at_the_moment_of_sending(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson, agree: Agree
) -> None:
    path = planner.library.folder / "campaigns" / "win_back.yaml"
    path.write_text(path.read_text() + "frequency_cap: {sms: {messages: 1, days: 30}}\n")
    person = make_person(1, email=None)
    publish(customer_360=[person])
    agree([person])
    run_id = planner.plan("win_back", "eva").run_id
    planner.approve(run_id, "otto")
    planner.launch(run_id, "eva")
    with planner.store.write() as connection:
        row = connection.execute(select(messages).where(messages.c.run_id == run_id)).one()
        other = {"message_id": "msg_other", "run_id": None, "campaign": None, "state": "done"}
        other |= {"calling_at": NOON - timedelta(days=20)}
        connection.execute(insert(messages).values(dict(row._mapping) | other))
        (claimed,) = claim(connection, "test", 9, NOON, channels=["sms"])
        intents = to_calling(connection, "test", [claimed], NOON, rules=read_quiet_rules())
    assert intents.skipped == {"frequency_cap": 1}


def test_what_a_customer_lacks_for_the_template_leaves_them_out(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson, agree: Agree
) -> None:
    for path in (planner.library.folder / "templates" / "sms").glob("*.j2"):
        text = path.read_text() + " {{ favourite_category }}"
        path.write_text(text.replace("class:", "only_with: [favourite_category]\nclass:", 1))
    people = [make_person(1, email=None, favourite_category=None), make_person(2, email=None)]
    publish(customer_360=people)
    agree(people)
    found = decided(planner.store, planner.plan("win_back", "eva").run_id)
    assert [found[each["customer_id"]][1] for each in people] == ["missing_value", None]


def test_mails_wear_the_colour_and_logo_of_the_hour_they_were_planned_in_and_ask_for_no_other_approval(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson, agree: Agree
) -> None:
    person = make_person(1, preferred_channel="email")
    publish(customer_360=[person])
    agree([person])
    made = io.BytesIO()
    Image.new("RGB", (200, 60), "#802020").save(made, "PNG")
    told: dict[str, Any] = {"actor": "ada", "now": NOON}
    name = brand.save_logo(planner.settings, planner.store, made.getvalue(), **told)
    brand.save_colour(planner.settings, planner.store, "#802020", **told)
    run_id = planner.plan("win_back", "eva").run_id
    with planner.store.read() as connection:
        planned = connection.execute(select(messages)).one()
    assert f'src="{planner.settings.public_url}/a/{name}" alt="Harbour &amp; Pine"' in planned.html
    assert "color:#802020;" in planned.html
    assert planned.body.startswith("Harbour & Pine")
    brand.save_colour(planner.settings, planner.store, "#000000", **told)
    planner.approve(run_id, "eva")
    with planner.store.read() as connection:
        assert connection.execute(select(messages)).one().html == planned.html


def test_messages_are_rendered_once_in_the_readers_language(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson, agree: Agree
) -> None:
    people = [
        make_person(1, language="de-AT", given_name="ANNA", preferred_channel="email"),
        make_person(2, language="sv"),
    ]
    publish(customer_360=people)
    agree(people)
    summary = planner.plan("win_back", "eva")
    with planner.store.read() as connection:
        rows = {row.customer_id: row for row in connection.execute(select(messages))}
    german, swedish = (rows[each["customer_id"]] for each in people)
    assert german.subject == "Anna, für Sie liegen 10% Rabatt bereit"
    assert f"/u/{german.message_id}." in german.html
    assert f"/u/{german.message_id}." in german.body
    assert "1 Quay Street" in german.body
    assert german.template == "email/win_back.de"
    assert swedish.body.startswith("Hi Ada, it's Harbour & Pine.")
    assert "Reply STOP" in swedish.body
    assert (swedish.segment_count, swedish.state) == (1, "planned")
    assert summary.by_language == {"de": 1, "en": 1}


def test_a_run_goes_from_plan_to_queue_and_every_step_is_recorded(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson, agree: Agree
) -> None:
    people = [make_person(number) for number in range(5)]
    publish(customer_360=people)
    agree(people)
    run_id = planner.plan("win_back", "eva").run_id
    with pytest.raises(RefusedError, match="needs one that is approved"):
        planner.launch(run_id, "eva")
    approved = planner.approve(run_id, "otto")
    assert (approved.state, approved.approved_by, approved.notices) == ("approved", "otto", ())
    assert planner.launch(run_id, "eva").state == "running"
    assert report(planner.store, run_id).messages == {"waiting": 5}
    assert planner.pause(run_id, "eva").state == "paused"
    assert planner.resume(run_id, "eva").state == "running"
    assert planner.stop(run_id, "eva").state == "stopped"
    assert report(planner.store, run_id).messages == {"cancelled": 5}
    with pytest.raises(RefusedError, match="nothing to stop"):
        planner.stop(run_id, "eva")
    with planner.store.read() as connection:
        steps = connection.execute(select(audit.c.action, audit.c.actor).order_by(audit.c.audit_id)).all()
    assert [(action.removeprefix("campaign."), actor) for action, actor in steps] == [
        ("plan", "eva"),
        ("approved", "otto"),
        ("running", "eva"),
        ("paused", "eva"),
        ("running", "eva"),
        ("stopped", "eva"),
    ]


def test_approving_ones_own_plan_comes_with_a_notice(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson
) -> None:
    publish(customer_360=[make_person(1)])
    run_id = planner.plan("win_back", "eva").run_id
    assert "your own plan" in planner.approve(run_id, "eva").notices[0]


@pytest.mark.parametrize(
    "name", ["campaigns/win_back.yaml", "segments/lapsed_customers.yaml", "templates/sms/win_back.fr.j2"]
)
def test_a_plan_whose_files_have_changed_cannot_be_approved(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson, name: str
) -> None:
    publish(customer_360=[make_person(1)])
    run_id = planner.plan("win_back", "eva").run_id
    path = planner.library.folder / name
    path.write_text(path.read_text() + "\n")
    with pytest.raises(RefusedError, match="have changed since"):
        planner.approve(run_id, "otto")
    path.unlink()
    with pytest.raises(RefusedError, match="have changed since"):
        planner.approve(run_id, "otto")


def test_an_old_plan_cannot_be_approved(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson
) -> None:
    publish(customer_360=[make_person(1)])
    run_id = planner.plan("win_back", "eva").run_id
    with planner.store.write() as connection:
        connection.execute(update(campaign_runs).values(planned_at=NOON - timedelta(days=8)))
    with pytest.raises(RefusedError, match="7 days"):
        planner.approve(run_id, "otto")


def test_a_campaign_runs_once_at_a_time(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson, agree: Agree
) -> None:
    publish(customer_360=[make_person(1)])
    agree([make_person(1)])
    first, second = (planner.plan("win_back", "eva").run_id for _ in range(2))
    for run_id in (first, second):
        planner.approve(run_id, "otto")
    planner.launch(first, "eva")
    with pytest.raises(RefusedError, match="under way already"):
        planner.launch(second, "eva")


def test_a_report_whose_sums_do_not_close_is_never_shown(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson, agree: Agree
) -> None:
    people = [make_person(number) for number in range(3)]
    publish(customer_360=people)
    agree(people)
    run_id = planner.plan("win_back", "eva").run_id
    with planner.store.write() as connection:
        lost = connection.execute(select(func.min(messages.c.message_id))).scalar_one()
        connection.execute(messages.delete().where(messages.c.message_id == lost))
    with pytest.raises(SumsDoNotCloseError, match="3 to send"):
        report(planner.store, run_id)


def test_a_report_counts_delivered_failed_and_skipped_with_their_reasons(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson, agree: Agree
) -> None:
    people = [make_person(number) for number in range(4)]
    publish(customer_360=people)
    agree(people)
    run_id = planner.plan("win_back", "eva").run_id
    became = [
        {"state": "done", "provider_status": "delivered"},
        {"state": "accepted", "provider_status": "sent"},
        {"state": "failed", "provider_status": "undelivered", "error_code": 30003},
        {"state": "skipped", "reason": "opted_out", "detail": "This customer opted out."},
    ]
    with planner.store.write() as connection:
        for each, values in zip(people, became, strict=True):
            this = messages.c.customer_id == each["customer_id"]
            connection.execute(update(messages).where(this).values(values))
    counted = report(planner.store, run_id)
    assert counted.messages == {"sent": 1, "delivered": 1, "failed": 1, "skipped": 1}
    assert {each.reason: each.people for each in counted.not_sent} == {"opted_out": 1, "provider_30003": 1}
    assert counted.segments == 2


def test_the_ugliest_messages_come_first_and_of_different_kinds(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson, agree: Agree
) -> None:
    people = [make_person(number) for number in range(20)]
    people[3] |= {"given_name": None}
    people[4] |= {"given_name": None}
    people[7] |= {"given_name": "Wolfeschlegelsteinhausenbergerdorff"}
    people[9] |= {"given_name": "Łucja"}
    publish(customer_360=people)
    agree(people)
    run_id = planner.plan("win_back", "eva").run_id
    shown = ugliest(planner.store, planner.customers, run_id, 3)
    assert {each.customer_id for each in shown} == {
        people[number]["customer_id"] for number in (3, 7, 9)
    } or {each.customer_id for each in shown} == {people[number]["customer_id"] for number in (4, 7, 9)}
    assert all(each.remarks for each in shown)


def test_a_rehearsal_stores_nothing(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson, agree: Agree
) -> None:
    people = [make_person(number) for number in range(10)]
    publish(customer_360=people)
    agree(people)
    rehearsal = planner.rehearse("win_back", 3)
    assert (rehearsal.matched, rehearsal.would_send, len(rehearsal.messages)) == (10, 10, 3)
    with planner.store.read() as connection:
        for table in (campaign_runs, run_audience, messages):
            assert connection.execute(select(func.count()).select_from(table)).scalar_one() == 0


def test_why_tells_the_whole_way_of_a_message(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson, agree: Agree
) -> None:
    people = [make_person(1), make_person(2, lifecycle_stage="active"), make_person(3)]
    publish(customer_360=people)
    agree(people[:2])
    run_id = planner.plan("win_back", "eva").run_id
    planner.approve(run_id, "otto")
    message_id = audience(planner.store, run_id, "send")[0].message_id
    assert message_id is not None
    told = " ".join(why_message(planner.store, message_id, planner.settings.time_zone))
    for part in ("planned on 30 October 2026 by eva", "otto approved", "the channel they prefer", "web form"):
        assert part in told
    ids = [each["customer_id"] for each in people]
    asked = partial(why_customer, planner.store, planner.customers, planner.settings)
    assert asked(ids[1], "win_back")[-1].endswith("for this does not hold: Stage: lapsing or lapsed.")
    assert "has not agreed" in " ".join(asked(ids[2], "win_back"))
    with pytest.raises(NotFoundError):
        why_message(planner.store, "msg_none", "UTC")
    with pytest.raises(NotFoundError, match="never planned"):
        asked(ids[0], "other")


def test_red_data_is_told_at_planning(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson
) -> None:
    publish(customer_360=[make_person(1)])
    with planner.store.write() as connection:
        red = {"state": "red", "checked_at": NOON, "rows_checked": 1, "rows_quarantined": 1}
        connection.execute(
            insert(contract_status), [red | {"table_name": "contacts"}, red | {"table_name": "products"}]
        )
    assert planner.plan("win_back", "eva").notices[0] == (
        "The data of contacts failed its checks: messages wait until it passes."
    )


def test_marketing_mail_without_a_postal_address_is_refused_in_live_mode(
    settings: Settings, store: Store, clock: Clock, publish: Callable[..., str], make_person: MakePerson
) -> None:
    publish(customer_360=[make_person(1)])
    careful = build_planner(settings, clock, store)
    assert "RAPPORT_COMPANY_ADDRESS" in careful.plan("win_back", "eva").notices[0]
    live = build_planner(settings.model_copy(update={"sending": "live"}), clock, store)
    with pytest.raises(SettingsError, match="RAPPORT_COMPANY_ADDRESS"):
        live.plan("win_back", "eva")


def test_an_empty_segment_makes_an_empty_run_that_still_closes(
    planner: Planner, publish: Callable[..., str]
) -> None:
    publish()
    run_id = planner.plan("win_back", "eva").run_id
    assert report(planner.store, run_id).matched == 0
    assert [run.run_id for run in list_runs(planner.store)] == [run_id]


def test_a_plan_that_broke_off_is_no_plan(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(customer_360=[make_person(1)])

    def fail(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("messaging.planner.storing.insert_planned", fail)
    with pytest.raises(KeyboardInterrupt):
        planner.plan("win_back", "eva")
    assert list_runs(planner.store) == []
    with pytest.raises(NotFoundError, match="rapport campaign plan"):
        planner.newest_run("win_back", "planned")
    assert stored(planner) == [0, 0, 0]


def stored(planner: Planner) -> list[int]:
    """Count the runs, the people in them and their messages."""
    with planner.store.read() as connection:
        return [
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (campaign_runs, run_audience, messages)
        ]


def test_what_a_dead_process_planned_is_cleared_away_after_a_day_and_nothing_else(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson, agree: Callable[..., None]
) -> None:
    people = [make_person(1)]
    publish(customer_360=people)
    agree(people)
    planner.plan("win_back", "eva")
    half = planner.plan(
        "win_back", "eva", run_id="run_01997c5e8d0a7c4e9b1f3a5d7c9e1b3f"
    ).run_id  # of September 2025
    young = planner.plan("win_back", "eva").run_id
    with planner.store.write() as connection:
        dead = update(campaign_runs).where(campaign_runs.c.run_id.in_((half, young)))
        connection.execute(dead.values(state="planning"))
    assert clear_half_plans(planner.store, planner.clock.now()) == 1
    assert stored(planner) == [2, 2, 2]


def test_progress_is_told_of_everybody(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson
) -> None:
    publish(customer_360=[make_person(number) for number in range(250)])
    told: list[float] = []
    planner.plan("win_back", "eva", told.append)
    assert sum(told) == 250


def test_no_message_holds_a_leftover(
    planner: Planner, publish: Callable[..., str], make_person: MakePerson, agree: Agree
) -> None:
    blanks: dict[str, Any] = dict.fromkeys(
        ("given_name", "favourite_category", "last_order_at", "language", "time_zone")
    )
    people = [make_person(number, **blanks) for number in range(3)]
    people[1]["preferred_channel"] = "email"
    publish(customer_360=people)
    agree(people)
    planner.plan("win_back", "eva")
    with planner.store.read() as connection:
        bodies = [
            f"{row.subject or ''} {row.body} {row.html or ''}" for row in connection.execute(select(messages))
        ]
    assert len(bodies) == 3
    assert not any(re.search(r"\{\{|\{%|None|nan,|  off", body) for body in bodies)
