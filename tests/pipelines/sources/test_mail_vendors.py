"""Klaviyo, Mailchimp and SendGrid: who agreed, who left, which addresses are dead, and what became of each mail."""

import json
import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from data_contracts.errors import InputError
from messaging.clock import Clock
from messaging.settings import Settings
from pipelines.landing.manifest import list_landings
from pipelines.sources.intake import ingest
from pipelines.sources.report import IngestReport

Take = Callable[..., IngestReport]
Landed = Callable[[str, str], list[tuple[Any, ...]]]
FIXTURES = Path(__file__).parent / "fixtures"
DOCUMENT = Path(__file__).parents[3] / "docs" / "consent_imports.md"
KLAVIYO, MAILCHIMP, SENDGRID = FIXTURES / "klaviyo", FIXTURES / "mailchimp", FIXTURES / "sendgrid"
SAID = "email, channel, action, occurred_at"


def test_klaviyos_profiles_are_people_with_their_consents_and_suppressions(
    take: Take, landed: Landed
) -> None:
    report = take("klaviyo", KLAVIYO / "profiles.json")
    assert (report.accepted, report.quarantined) == (report.rows_in, 0)
    assert {table: counts["accepted"] for table, counts in report.tables().items()} == {
        "consents": 8,
        "contacts": 6,
        "email_events": 4,
    }
    assert landed("contacts", "external_id, email, phone, given_name, country, time_zone")[0] == (
        "P1",
        "ada@example.com",
        "+447700900001",
        "Ada",
        "United Kingdom",
        "Europe/London",
    )
    said = {
        (row[0] or row[1], row[2], row[3]): row[4] for row in landed("consents", f"email, phone, {SAID[7:]}")
    }
    assert said["ada@example.com", "email", "grant"] == datetime(2026, 2, 3, 8, 30)
    assert said["ben@example.com", "email", "revoke"] == datetime(2026, 3, 4, 10)
    assert said["+447700900001", "sms", "grant"] == datetime(2026, 2, 4, 9)
    assert said["+447700900002", "sms", "revoke"] == datetime(2026, 3, 5, 10)
    assert not [key for key in said if key[0] == "cat@example.com"]
    assert sorted(landed("email_events", "email, event, reason")) == [
        ("dan@example.com", "bounce", "HARD_BOUNCE"),
        ("eve@example.com", "spamreport", "SPAM_COMPLAINT"),
        ("fay@example.com", "group_unsubscribe", "USER_SUPPRESSED"),
        ("fay@example.com", "unsubscribe", "USER_SUPPRESSED"),
    ]


def test_klaviyos_mail_events_know_their_metric_and_address_from_what_the_page_includes(
    take: Take, landed: Landed
) -> None:
    report = take("klaviyo", KLAVIYO / "events.json", KLAVIYO / "reviews.json")
    assert (report.accepted, report.quarantined) == (report.rows_in, 0)
    assert landed("email_events", "event_id, event, email, campaign") == [
        ("E1", "delivered", "ada@example.com", "Spring"),
        ("E2", "click", "ada@example.com", "Spring"),
        ("E3", "bounce", "dan@example.com", None),
        ("E4", "dropped", "ada@example.com", None),
        ("E5", "unsubscribe", "ben@example.com", None),
    ]
    assert landed("events", "event_id, name, external_id, email, value_minor, currency, order_id") == [
        ("E6", "placed_order", "P1", "ada@example.com", 4990, "EUR", "1001"),
        ("E7", "received_email", "P9", None, None, None, None),
        ("E8", "metric:m9", "P9", None, None, None, None),
    ]
    assert landed(
        "reviews", "review_id, rating, rating_scale, is_verified, is_published, reply_text, handle"
    ) == [
        ("R1", 4.0, 5, True, True, "Thank you!", None)  # who is named under a review is many people
    ]


def test_klaviyos_export_of_profiles_says_the_same_as_its_api(take: Take, landed: Landed) -> None:
    report = take("klaviyo", KLAVIYO / "profiles_export.csv")
    assert (report.accepted, report.quarantined) == (report.rows_in, 0)
    assert len(landed("contacts", "external_id")) == 5
    arrival = list(landed("consents", "received_at"))[-1][0]
    assert sorted(landed("consents", f"{SAID}"), key=str) == [
        ("ada@example.com", "email", "grant", datetime(2026, 2, 3, 8, 30)),
        ("ben@example.com", "email", "revoke", datetime(2026, 3, 4, 10)),
        ("eve@example.com", "email", "revoke", arrival),  # without a day
        (None, "sms", "grant", datetime(2026, 2, 4, 9)),
    ]
    assert landed("email_events", "email, event") == [
        ("dan@example.com", "bounce"),
        ("eve@example.com", "spamreport"),
    ]


def test_klaviyos_list_of_suppressed_profiles_is_known_by_its_name(
    take: Take, landed: Landed, tmp_path: Path
) -> None:
    assert take("klaviyo", KLAVIYO / "suppressed_profiles.csv").opt_outs == 3
    assert sorted(event for (event,) in landed("email_events", "event")) == [
        "bounce",
        "spamreport",
        "unsubscribe",
    ]
    other = tmp_path / "people.csv"
    other.write_bytes((KLAVIYO / "suppressed_profiles.csv").read_bytes())
    with pytest.raises(InputError, match="no shape of klaviyo"):
        take("klaviyo", other)


def test_a_copy_of_klaviyo_in_a_database_joins_events_to_people(take: Take, landed: Landed) -> None:
    report = take("klaviyo", KLAVIYO / "copy")
    assert (report.accepted, report.quarantined) == (report.rows_in, 0)
    assert landed("contacts", "external_id") == [("P1",), ("P2",)]  # one was deleted
    assert [row[:3] for row in landed("consents", SAID)] == [
        ("ada@example.com", "email", "grant"),
        ("ben@example.com", "email", "revoke"),
    ]
    assert sorted(landed("email_events", "email, event")) == [
        ("ada@example.com", "delivered"),
        ("ben@example.com", "bounce"),
        ("eve@example.com", "spamreport"),
        ("fay@example.com", "unsubscribe"),
    ]
    assert landed("events", "event_id, name, value_minor, currency") == [
        ("E6", "placed_order", 4990, "GBP"),
        ("E7", "received_email", None, None),
    ]


def test_mailchimps_members_are_people_with_their_consents(take: Take, landed: Landed) -> None:
    report = take("mailchimp", MAILCHIMP / "members.json")
    assert (report.accepted, report.quarantined, report.opt_outs) == (report.rows_in, 0, 3)
    assert len(landed("contacts", "email")) == 5
    assert sorted(landed("consents", f"{SAID}, method")) == [
        ("ada@example.com", "email", "grant", datetime(2026, 1, 2, 9), "Mailchimp, Hosted Signup Form"),
        ("ada@example.com", "sms", "grant", datetime(2026, 2, 5, 9), "Mailchimp"),
        ("ben@example.com", "email", "revoke", datetime(2026, 3, 4, 10), "Mailchimp, Too many mails"),
        ("ben@example.com", "sms", "revoke", datetime(2026, 2, 6, 9), "Mailchimp"),
    ]
    assert landed("email_events", "email, event, occurred_at") == [
        ("cat@example.com", "bounce", datetime(2026, 3, 4, 10))
    ]


def test_mailchimps_reports_tell_what_people_did_with_a_campaign(take: Take, landed: Landed) -> None:
    report = take("mailchimp", MAILCHIMP / "reports.json")
    assert (report.accepted, report.quarantined) == (report.rows_in, 0)
    assert Counter(landed("email_events", "email, event")) == {
        ("ada@example.com", "open"): 1,
        ("ada@example.com", "click"): 2,
        ("cat@example.com", "bounce"): 1,
        ("dan@example.com", "dropped"): 1,
        ("fay@example.com", "spamreport"): 1,
    }
    assert landed("consents", f"{SAID}, method") == [
        ("ben@example.com", "email", "revoke", datetime(2026, 3, 4, 10), "Mailchimp, Too many mails")
    ]


def test_mandrill_tells_each_mails_way_and_whom_it_writes_to_no_more(take: Take, landed: Landed) -> None:
    report = take("mailchimp", MAILCHIMP / "mandrill.json", MAILCHIMP / "rejects.json")
    assert (report.accepted, report.quarantined) == (report.rows_in, 0)
    assert Counter(event for (event,) in landed("email_events", "event")) == {
        "processed": 1,
        "delivered": 1,
        "deferred": 1,
        "dropped": 2,
        "bounce": 2,
        "open": 1,
        "click": 1,
        "spamreport": 2,
        "unsubscribe": 2,
    }


def test_of_mailchimps_exports_only_the_one_of_subscribed_people_grants(take: Take, landed: Landed) -> None:
    files = [
        MAILCHIMP / f"{kind}_members_export_1.csv"
        for kind in ("subscribed", "nonsubscribed", "unsubscribed", "cleaned")
    ]
    report = take("mailchimp", *files)
    assert report.opt_outs == 3
    assert len(landed("contacts", "email")) == 5
    assert sorted(landed("consents", SAID)) == [
        ("ada@example.com", "email", "grant", datetime(2026, 1, 2, 9)),
        ("ben@example.com", "email", "revoke", datetime(2026, 3, 4, 9, 59)),
    ]
    assert landed("email_events", "email, event, occurred_at") == [
        ("cat@example.com", "bounce", datetime(2026, 3, 4, 9, 58))
    ]
    assert (report.quarantined, report.reasons) == (
        1,
        {"occurred_at_type": 1},
    )  # "no day": counted from its arrival


@pytest.mark.parametrize("name", ["list.csv", "nonsubscribed_members.csv"])
def test_a_list_of_mailchimps_under_another_name_takes_nobody_to_have_agreed(
    take: Take, settings: Settings, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_bytes((MAILCHIMP / "subscribed_members_export_1.csv").read_bytes())
    assert take("mailchimp", tmp_path / name).accepted == 1
    assert list_landings(settings, "consents") == []


def test_a_list_of_unsubscribed_people_without_a_day_is_known_by_its_name(
    take: Take, landed: Landed, tmp_path: Path
) -> None:
    path = tmp_path / "unsubscribed_members_export_2.csv"
    path.write_bytes((MAILCHIMP / "subscribed_members_export_1.csv").read_bytes())
    assert take("mailchimp", path).opt_outs == 1
    assert [row[2] for row in landed("consents", SAID)] == ["revoke"]


def test_a_copy_of_mailchimp_in_a_database_joins_activity_to_members(take: Take, landed: Landed) -> None:
    report = take("mailchimp", MAILCHIMP / "copy")
    assert (report.accepted, report.quarantined) == (report.rows_in, 0)
    assert sorted(landed("consents", "email, action, occurred_at")) == [
        ("ada@example.com", "grant", datetime(2026, 1, 2, 9)),
        ("ada@example.com", "revoke", datetime(2026, 3, 2, 10)),
        ("ada@example.com", "revoke", datetime(2026, 3, 2, 10)),
    ]
    assert Counter(landed("email_events", "email, event")) == {
        ("ada@example.com", "open"): 1,
        ("cat@example.com", "bounce"): 2,
    }


def test_every_event_of_sendgrids_webhook_lands(take: Take, landed: Landed) -> None:
    report = take("sendgrid", SENDGRID / "events.json")
    assert (report.rows_in, report.accepted) == (
        17,
        17,
    )  # three drops say that the address is suppressed there
    assert Counter(event for (event,) in landed("email_events", "event")) == {
        "processed": 1,
        "delivered": 1,
        "deferred": 1,
        "bounce": 2,
        "dropped": 4,
        "open": 1,
        "click": 1,
        "spamreport": 2,
        "unsubscribe": 2,
        "group_unsubscribe": 1,
        "group_resubscribe": 1,
    }


@pytest.mark.parametrize("folder", ["suppressions", "lists"])
def test_sendgrids_suppression_lists_are_told_apart_by_what_they_hold(
    take: Take, landed: Landed, folder: str
) -> None:
    report = take("sendgrid", SENDGRID / folder)
    assert (report.accepted, report.quarantined) == (report.rows_in, 0)
    said = dict(landed("email_events", "email, event"))
    assert (
        said.items()
        >= {
            "cat@example.com": "bounce",
            "fay@example.com": "spamreport",
            "ben@example.com": "unsubscribe",
        }.items()
    )
    if folder == "suppressions":
        assert (said["dan@example.com"], said["eve@example.com"]) == ("dropped", "dropped")  # blocks
        assert (said["gus@example.com"], said["hal@example.com"]) == ("bounce", "group_unsubscribe")


def test_sendgrids_email_activity_comes_from_its_api_and_from_its_export(take: Take, landed: Landed) -> None:
    report = take("sendgrid", SENDGRID / "messages.json", SENDGRID / "activity.csv")
    assert (report.accepted, report.quarantined) == (report.rows_in, 0)
    assert Counter(landed("email_events", "email, event")) == {
        ("ada@example.com", "delivered"): 2,
        ("cat@example.com", "dropped"): 1,
        ("cat@example.com", "processed"): 1,
        ("cat@example.com", "bounce"): 2,
    }


@pytest.mark.parametrize("file", ["contacts.json", "contacts.csv"])
def test_sendgrids_marketing_contacts_are_people_who_agreed_to_nothing(
    take: Take, landed: Landed, settings: Settings, file: str
) -> None:
    take("sendgrid", SENDGRID / file)
    assert landed("contacts", "external_id, email, phone, city, occurred_at") == [
        ("c1", "ada@example.com", "+447700900001", "Leith", datetime(2026, 3, 4, 10))
    ]
    assert list_landings(settings, "consents") == []


def _profile(consent: str, day: str | None, suppression: str = "", lists: int = 0) -> dict[str, Any]:
    told = {"timestamp": "2026-03-04T10:00:00+00:00"}
    marketing: dict[str, Any] = {"consent": consent, "consent_timestamp": day}
    marketing["suppression"] = [{"reason": suppression, **told}] if suppression else []
    marketing["list_suppressions"] = [{"list_id": "L1", "reason": "USER_SUPPRESSED", **told}] if lists else []
    attributes = {"email": "a@example.com", "updated": "2026-05-06T07:00:00+00:00"}
    return {
        "type": "profile",
        "id": "P1",
        "attributes": {**attributes, "subscriptions": {"email": {"marketing": marketing}}},
    }


def _member(status: str) -> dict[str, Any]:
    days = {"timestamp_opt": "2026-03-04T10:00:00+00:00", "last_changed": "2026-03-04T10:00:00+00:00"}
    return {
        "id": "h",
        "email_address": "a@example.com",
        "unique_email_id": "u",
        "status": status,
        "list_id": "L1",
        **days,
    }


def _mandrill(event: str, **message: Any) -> dict[str, Any]:
    return {
        "event": event,
        "msg": {"email": "a@example.com", "_id": "m", **message},
        "_id": "m",
        "ts": 1772618400,
    }


def _sendgrid(event: str, **facts: str) -> dict[str, Any]:
    return {"event": event, "email": "a@example.com", "timestamp": 1772618400, "sg_event_id": "s", **facts}


def _listed(**facts: str) -> dict[str, Any]:
    return {"created": 1772618400, "email": "a@example.com", **facts}


DAY = "2026-03-04T10:00:00+00:00"
STATES: list[tuple[str, str, dict[str, Any]]] = [
    ("Klaviyo", "SUBSCRIBED", _profile("SUBSCRIBED", DAY)),
    ("Klaviyo", "SUBSCRIBED without a day", _profile("SUBSCRIBED", None)),
    ("Klaviyo", "UNSUBSCRIBED", _profile("UNSUBSCRIBED", DAY)),
    ("Klaviyo", "NEVER_SUBSCRIBED", _profile("NEVER_SUBSCRIBED", None)),
    ("Klaviyo", "suppression UNSUBSCRIBE", _profile("NEVER_SUBSCRIBED", None, "UNSUBSCRIBE")),
    ("Klaviyo", "suppression USER_SUPPRESSED", _profile("NEVER_SUBSCRIBED", None, "USER_SUPPRESSED")),
    ("Klaviyo", "suppression SPAM_COMPLAINT", _profile("NEVER_SUBSCRIBED", None, "SPAM_COMPLAINT")),
    ("Klaviyo", "suppression HARD_BOUNCE", _profile("NEVER_SUBSCRIBED", None, "HARD_BOUNCE")),
    ("Klaviyo", "suppression INVALID_EMAIL", _profile("NEVER_SUBSCRIBED", None, "INVALID_EMAIL")),
    ("Klaviyo", "list suppression", _profile("NEVER_SUBSCRIBED", None, lists=1)),
    *(
        ("Mailchimp", status, _member(status))
        for status in ("subscribed", "unsubscribed", "cleaned", "pending")
    ),
    *(("Mailchimp", status, _member(status)) for status in ("transactional", "archived")),
    *(("Mandrill", event, _mandrill(event)) for event in ("hard_bounce", "soft_bounce", "spam", "unsub")),
    ("Mandrill", "reject (unsub)", _mandrill("reject", reject={"reason": "unsub"})),
    ("SendGrid", "bounce", _sendgrid("bounce", type="bounce")),
    ("SendGrid", "bounce (blocked)", _sendgrid("bounce", type="blocked")),
    ("SendGrid", "dropped (Bounced Address)", _sendgrid("dropped", reason="Bounced Address")),
    ("SendGrid", "dropped (Unsubscribed Address)", _sendgrid("dropped", reason="Unsubscribed Address")),
    ("SendGrid", "dropped (Spam Reporting Address)", _sendgrid("dropped", reason="Spam Reporting Address")),
    *(("SendGrid", event, _sendgrid(event)) for event in ("spamreport", "unsubscribe")),
    *(("SendGrid", event, _sendgrid(event)) for event in ("group_unsubscribe", "group_resubscribe")),
    ("SendGrid", "list of bounces", _listed(reason="nobody", status="5.1.1")),
    ("SendGrid", "list of blocks", _listed(reason="busy", status="4.0.0")),
    ("SendGrid", "list of invalid emails", _listed(reason="no such domain")),
    ("SendGrid", "list of spam reports", _listed(ip="192.0.2.1")),
    ("SendGrid", "list of unsubscribes", _listed()),
]
MEANINGS = {
    "spamreport": "complaint",
    "unsubscribe": "unsubscribe",
    "group_unsubscribe": "unsubscribe",
    "bounce": "bounce",
}


def documented() -> dict[tuple[str, str], str]:
    """Read the table of the document: what each word of a vendor means."""
    rows = re.findall(r"^\| (\w+) \| (.+?) \| (\w+) \| .*\|$", DOCUMENT.read_text(), re.MULTILINE)
    return {(vendor, said): meaning for vendor, said, meaning in rows if vendor != "vendor"}


def test_the_document_knows_every_word_that_is_tested_and_no_other() -> None:
    assert documented().keys() == {(vendor, said) for vendor, said, _ in STATES}


@pytest.mark.parametrize(
    ("vendor", "said", "record"), STATES, ids=[f"{vendor} {said}" for vendor, said, _ in STATES]
)
def test_each_vendors_word_means_what_the_document_says(
    take: Take,
    landed: Landed,
    settings: Settings,
    tmp_path: Path,
    vendor: str,
    said: str,
    record: dict[str, Any],
) -> None:
    path = tmp_path / "page.json"
    path.write_text(json.dumps([record]))
    report = take({"Mandrill": "mailchimp"}.get(vendor, vendor.lower()), path)
    assert report.quarantined == 0
    found: set[tuple[str, datetime]] = set()
    if list_landings(settings, "consents"):
        found |= set(landed("consents", "action, occurred_at"))
    if list_landings(settings, "email_events"):
        events = landed("email_events", "event, occurred_at")
        found |= {(MEANINGS[event], at) for event, at in events if event in MEANINGS}
    meaning = documented()[vendor, said]
    assert found == (set() if meaning == "nothing" else {(meaning, datetime(2026, 3, 4, 10))})
    assert (report.opt_outs == 1) == (meaning not in {"nothing", "grant"})


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("source", "folder", "accepted", "others", "opt_outs"),
    [  # others: set aside, already landed
        (
            "klaviyo",
            "klaviyo_openapi",
            {"contacts": 2, "reviews": 1},
            (3, 1),
            0,
        ),  # three examples of events have no id
        ("klaviyo", "fivetran_klaviyo", {"contacts": 2, "events": 7}, (0, 1), 0),
        ("mailchimp", "mandrill_mailchimp", {"email_events": 3}, (0, 1), 1),
        # one activity is of a member who is not in the table of members
        ("mailchimp", "fivetran_mailchimp", {"consents": 10, "contacts": 9, "email_events": 24}, (1, 0), 2),
        ("sendgrid", "sendgrid", {"email_events": 34}, (0, 1), 16),
    ],
)
def test_real_samples_of_the_mail_vendors(
    real_data: Path,
    settings: Settings,
    clock: Clock,
    source: str,
    folder: str,
    accepted: dict[str, int],
    others: tuple[int, int],
    opt_outs: int,
) -> None:
    report = ingest(settings, clock, source, [real_data / "vendor_shapes" / folder], complete=True)
    landed = {table: counts["accepted"] for table, counts in report.tables().items() if counts["accepted"]}
    assert (landed, (report.quarantined, report.already_landed)) == (accepted, others)
    assert report.rows_in == report.accepted + report.quarantined + report.already_landed
    assert report.opt_outs == opt_outs
