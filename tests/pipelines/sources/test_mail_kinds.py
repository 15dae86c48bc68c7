"""Letters, and what programs send: automatic answers, bounces, complaints, lists."""

from pathlib import Path
from typing import Any

import pytest

from pipelines.sources.mail_kinds import Failure, find_failures, find_kind
from pipelines.sources.mime import Part, parse_mail

OWN = frozenset({"shop.example.com"})
ORIGINAL = (
    "--b\nContent-Type: message/rfc822\n\nTo: bo@example.com\nMessage-ID: <sent@shop.example.com>\n\nHello.\n"
)


def mail(*headers: str, body: str = "Hello.") -> Part:
    return parse_mail("\n".join((*headers, "", body)).encode())


def report(fields: str, kind: str = "delivery-status", *more: str, original: str = ORIGINAL) -> Part:
    part = "message/feedback-report" if kind == "feedback-report" else f"message/{kind}"
    body = f"--b\n\nSorry.\n--b\nContent-Type: {part}\n\n{fields}\n{original}--b--\n"
    return mail(
        "From: MAILER-DAEMON@mx.example.net",
        f'Content-Type: multipart/report; report-type={kind}; boundary="b"',
        *more,
        body=body,
    )


def kind_of(part: Part) -> str:
    return find_kind(part, part.header("subject"), OWN)


@pytest.mark.parametrize(
    ("kind", "headers"),
    [
        ("letter", ()),
        ("letter", ("Auto-Submitted: no",)),
        ("letter", ("X-Auto-Response-Suppress: All",)),
        ("letter", ("Precedence: first-class",)),
        ("letter", ("Subject: Out of stock?",)),
        ("auto_reply", ("Auto-Submitted: auto-replied",)),
        ("auto_reply", ("Auto-Submitted: Auto-Generated; owner=x",)),
        ("auto_reply", ("Precedence: auto_reply",)),
        ("auto_reply", ("X-Autoreply: yes",)),
        ("auto_reply", ("Subject: Automatic reply: Your order",)),
        ("auto_reply", ("Subject: Out of Office: back on Monday",)),
        ("auto_reply", ("Subject: Abwesenheitsnotiz: Bestellung",)),
        ("auto_reply", ("Subject: Réponse automatique : commande",)),
        ("list", ("List-Id: Deals <deals.example.org>",)),
        ("list", ("Precedence: bulk",)),
        ("list", ("List-Unsubscribe: <https://example.org/u>",)),
        ("letter", ("List-Id: <support.shop.example.com>", "Precedence: list")),
        ("letter", ("List-Post: <mailto:support@shop.example.com>", "Precedence: list")),
        ("auto_reply", ("List-Id: <support.shop.example.com>", "Auto-Submitted: auto-replied")),
        ("bounce", ("X-Failed-Recipients: bo@example.com",)),
        (
            "bounce",
            ("From: Mail Delivery <MAILER-DAEMON@x.example>", "Subject: Undelivered Mail Returned to Sender"),
        ),
        ("letter", ("From: postmaster@example.com", "Subject: Do you sell to schools?")),
    ],
)
def test_kinds_are_told_by_headers(kind: str, headers: tuple[str, ...]) -> None:
    assert kind_of(mail(*headers)) == kind


FAILED = """Reporting-MTA: dns; mx.example.net

Original-Recipient: rfc822;Bo@example.com
Final-Recipient: rfc822; bo.alias@example.net
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1
 no such user"""


def test_a_bounce_names_the_address_that_was_written_to_and_why_it_failed() -> None:
    part = report(FAILED)
    assert kind_of(part) == "bounce"
    assert find_failures(part, "bounce") == [
        Failure("bo@example.com", "bounce", "5.1.1 smtp; 550 5.1.1 no such user", "sent@shop.example.com")
    ]


def test_a_bounce_of_several_readers_names_each_and_leaves_out_those_that_it_reached() -> None:
    more = "\n\nFinal-Recipient: rfc822; cy@example.com\nAction: delivered\n\nFinal-Recipient: rfc822; di@example.com\nAction: failed"
    found = find_failures(report(FAILED + more), "bounce")
    assert [failure.recipient for failure in found] == ["bo@example.com", "di@example.com"]


def test_a_delay_is_no_failure_yet_and_a_delivery_is_none() -> None:
    delayed = report(FAILED.replace("failed", "delayed"))
    assert [failure.event for failure in find_failures(delayed, kind_of(delayed))] == ["deferred"]  # type: ignore[arg-type]
    assert kind_of(report(FAILED.replace("failed", "delivered"))) == "auto_reply"


def test_a_receipt_is_an_automatic_answer() -> None:
    assert kind_of(report("Disposition: manual-action", "disposition-notification")) == "auto_reply"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (("X-Failed-Recipients: Bo@example.com",), "It failed."),
        (
            ("From: MAILER-DAEMON@x.example", "Subject: failure notice"),
            "Hi. This is the program.\n\n<bo@example.com>:\nNo.",
        ),
    ],
)
def test_bounces_from_before_there_were_reports_name_the_address_too(
    headers: tuple[str, ...], body: str
) -> None:
    part = mail(*headers, body=body)
    assert [failure.recipient for failure in find_failures(part, "bounce")] == ["bo@example.com"]


def test_a_complaint_names_who_reported_the_mail_as_spam() -> None:
    told = report("Feedback-Type: abuse\nOriginal-Rcpt-To: <bo@example.com>", "feedback-report")
    assert kind_of(told) == "complaint"
    assert find_failures(told, "complaint") == [
        Failure("bo@example.com", "spamreport", "abuse", "sent@shop.example.com")
    ]
    kept_back = report("Feedback-Type: abuse", "feedback-report")
    assert find_failures(kept_back, "complaint")[0].recipient == "bo@example.com"


def test_a_bounce_becomes_an_event_and_no_letter_of_the_mail_program(
    tmp_path: Path, take: Any, landed: Any
) -> None:
    raw = (
        "From: MAILER-DAEMON@mx.example.net\nTo: hello@shop.example.com\nSubject: Undelivered\nMessage-ID: <dsn@mx>\n"
        'Date: Thu, 29 Oct 2026 12:00:00 +0000\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        f"--b\n\nSorry.\n--b\nContent-Type: message/delivery-status\n\n{FAILED}\n{ORIGINAL}--b--\n"
    )
    (tmp_path / "bounce.eml").write_text(raw)
    report = take("mail", tmp_path / "bounce.eml")
    assert report.tables().keys() == {"email_messages", "email_events"}
    assert landed("email_messages", "kind, email, attachment_count") == [("bounce", "bo@example.com", 0)]
    assert landed("email_events", "source_record_id, event, email, message_ref") == [
        ("event/dsn@mx/1", "bounce", "bo@example.com", "sent@shop.example.com")
    ]
    assert take("mail", tmp_path / "bounce.eml").accepted == 0


def test_a_newsletter_that_we_get_is_nobodys_and_a_customer_is_only_whom_we_know(
    tmp_path: Path, take: Any, landed: Any
) -> None:
    for number, headers in enumerate(
        ("List-Id: <deals.example.org>", "Subject: Undelivered mail\nX-Note: MAILER-DAEMON")
    ):
        (tmp_path / f"{number}.eml").write_text(
            f"From: mailer-daemon@example.org\nTo: hello@shop.example.com\nMessage-ID: <{number}@x>\n{headers}\n"
            "Date: Thu, 29 Oct 2026 12:00:00 +0000\n\nHello.\n"
        )
    take("mail", tmp_path)
    assert landed("email_messages", "kind, email, from_email") == [
        ("list", None, "mailer-daemon@example.org"),
        ("bounce", None, "mailer-daemon@example.org"),
    ]
