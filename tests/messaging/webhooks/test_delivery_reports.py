"""A mail that came back closes an address that does not exist, where it was ours, and sent to that very address."""

from typing import Any

import pytest
from sqlalchemy import select

from messaging import consent
from messaging.addresses import Addresses
from messaging.inbox import list_reviews
from messaging.senders.base import OutboundMessage
from messaging.senders.build import build_senders
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import inbound_messages

INBOUND = "/webhooks/sendgrid/inbound"
MAIL = "siobhan@example.com"
DAEMON = "MAILER-DAEMON@mx.example.net"


def report(message_id: str, recipient: str, status: str, action: str = "failed", back: str = "rfc822") -> str:
    """Write a delivery report as Postfix does, with the mail or its headers given back."""
    kind = {"rfc822": "message/rfc822", "headers": "text/rfc822-headers"}[back]
    return (
        f"From: Mail Delivery System <{DAEMON}>\r\nTo: hello@harbour.example\r\nMessage-ID: <dsn-{status}@mx.example.net>\r\n"
        "Auto-Submitted: auto-replied\r\nSubject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nI'm sorry to have to inform you.\r\n\r\nPlease unsubscribe me.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.net\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp; 550 {status} User unknown\r\n\r\n"
        f"--b\r\nContent-Type: {kind}\r\n\r\nMessage-ID: <{message_id}@harbour.example>\r\nTo: {recipient}\r\n\r\nHello\r\n--b--\r\n"
    )


def posted(fields: dict[str, str], files: tuple[tuple[str, str], ...] = ()) -> bytes:
    parts = [
        f'--xYz\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    parts += [
        f'--xYz\r\nContent-Disposition: form-data; name="attachment{number}"; filename="part{number}"\r\n'
        f"Content-Type: {kind}\r\n\r\n{content}\r\n"
        for number, (kind, content) in enumerate(files, 1)
    ]
    return ("".join(parts) + "--xYz--\r\n").encode()


@pytest.fixture
def bounce(post: Any) -> Any:
    def send(mail: str) -> None:
        kind = {"Content-Type": "multipart/form-data; boundary=xYz"}
        assert post.raw(INBOUND, posted({"email": mail}), kind).status_code == 204

    return send


@pytest.fixture
def ours(sent: Any, addresses: Addresses) -> str:
    hashed = {"address": MAIL, "address_hash": addresses.hash(MAIL)}
    return str(sent("cus_1", channel="email", provider="smtp", provider_sid="x@harbour.example", **hashed))


def silent(store: Store, addresses: Addresses, address: str = MAIL) -> str | None:
    with store.read() as connection:
        return consent.suppressed(connection, [addresses.hash(address)], "email").get(addresses.hash(address))


@pytest.mark.parametrize("back", ["rfc822", "headers"])
def test_an_address_that_does_not_exist_is_written_to_no_more(
    back: str, bounce: Any, ours: str, message_row: Any, store: Store, addresses: Addresses
) -> None:
    for _ in range(2):
        bounce(report(ours, "Siobhan@Example.com", "5.1.1", back=back))
    assert silent(store, addresses) == "bounce"
    row = message_row(ours)
    assert (row.state, row.provider_status) == ("failed", "undelivered")
    with store.read() as connection:
        assert [each.keyword for each in connection.execute(select(inbound_messages))] == [None]
        assert list_reviews(connection) == [], "what a report says is nobody's opt-out"


def test_a_report_that_was_taken_apart_is_read_by_its_files(
    post: Any, ours: str, store: Store, addresses: Addresses
) -> None:
    files = (
        (
            "message/delivery-status",
            f"Reporting-MTA: dns; mx.example.net\r\n\r\nFinal-Recipient: rfc822; {MAIL}\r\nAction: failed\r\nStatus: 5.1.10\r\n",
        ),
        ("message/rfc822", f"Message-ID: <{ours}@harbour.example>\r\nTo: {MAIL}\r\n\r\nHello\r\n"),
    )
    fields = {"headers": "Message-ID: <d@x>\n", "from": DAEMON, "text": "Sorry."}
    kind = {"Content-Type": "multipart/form-data; boundary=xYz"}
    assert post.raw(INBOUND, posted(fields, files), kind).status_code == 204
    assert silent(store, addresses) == "bounce"


@pytest.mark.parametrize(
    ("status", "action", "state"),
    [
        ("5.2.2", "failed", "failed"),
        ("5.7.1", "failed", "failed"),
        ("5.1.8", "failed", "failed"),
        ("4.1.1", "failed", "accepted"),
        ("5.1.1", "delayed", "accepted"),
        ("2.1.5", "delivered", "accepted"),
        ("nonsense", "failed", "accepted"),
    ],
)
def test_what_passes_or_is_about_us_closes_no_address(
    status: str, action: str, state: str, bounce: Any, ours: str, message_row: Any, store: Store, addresses: Addresses
) -> None:  # fmt: skip
    bounce(report(ours, MAIL, status, action))
    assert silent(store, addresses) is None
    assert message_row(ours).state == state


def test_a_report_of_another_address_or_of_a_mail_that_is_not_ours_changes_nothing(
    bounce: Any, ours: str, message_row: Any, store: Store, addresses: Addresses
) -> None:
    bounce(report(ours, "victim@example.com", "5.1.1"))
    bounce(report("msg_01a2069db43e70cd9176bab789e1614d", MAIL, "5.1.0"))
    bounce(report("somebody-elses", MAIL, "5.1.2"))
    assert silent(store, addresses) is None
    assert silent(store, addresses, "victim@example.com") is None
    assert message_row(ours).state == "accepted"


def test_the_id_that_reports_give_back_is_the_one_that_our_mails_carry(settings: Settings, ours: str) -> None:
    sender: Any = build_senders(settings)["email"]
    mail = sender.compose(OutboundMessage(ours, "email", MAIL, "Hello", subject="Hello"))
    assert mail["Message-ID"].startswith(f"<{ours}@")
