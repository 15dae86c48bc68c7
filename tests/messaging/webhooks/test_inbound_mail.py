"""Mails by Inbound Parse: our own words cut off, opt-outs heeded, programs left alone, and nobody else let in."""

import json
import socket
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import select

from messaging import consent
from messaging.addresses import Addresses
from messaging.links import read_links
from messaging.settings import read_settings
from messaging.store import Store
from messaging.store.tables import inbound_messages, messages
from messaging.store.tables_receiver import raw_requests
from messaging.webhooks import sendgrid
from messaging.webhooks.app import build_app
from messaging.webhooks.delivery_reports import read_reports
from messaging.webhooks.event_signatures import SIGNATURE
from messaging.webhooks.inbound_mail import read_mail

INBOUND = "/webhooks/sendgrid/inbound"
MAIL = "siobhan@example.com"
SHARED = examples(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def form(fields: dict[str, str | bytes], *files: tuple[str, bytes]) -> tuple[str, bytes]:
    """Write a post as Inbound Parse does; give its type and its bytes."""
    parts = [
        b'--xYz\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
        % (name.encode(), value if isinstance(value, bytes) else value.encode("utf-8", "replace"))
        for name, value in fields.items()
    ]
    parts += [
        b'--xYz\r\nContent-Disposition: form-data; name="attachment1"; filename="%s"\r\n\r\n%s\r\n'
        % (name.encode(), content)
        for name, content in files
    ]
    return "multipart/form-data; boundary=xYz", b"".join(parts) + b"--xYz--\r\n"


@pytest.fixture
def send(post: Any) -> Any:
    def mail(
        text: str | bytes = "Hello",
        headers: str = "Message-ID: <1@example.com>\n",
        query: str = "",
        **fields: Any,
    ) -> int:
        about: dict[str, str | bytes] = {
            "headers": headers, "from": f"Siobhán <{MAIL}>", "to": "hello@harbour.example", "text": text,
            "subject": "Re: Spring sale", "envelope": json.dumps({"from": MAIL, "to": ["hello@harbour.example"]}), **fields,
        }  # fmt: skip
        kind, body = form({name: value for name, value in about.items() if value is not None})
        return int(post.raw(INBOUND + query, body, {"Content-Type": kind}).status_code)

    return mail


@pytest.fixture
def heard(store: Store) -> Any:
    def read() -> list[Any]:
        with store.read() as connection:
            return list(connection.execute(select(inbound_messages).order_by(inbound_messages.c.inbound_id)))

    return read


def test_a_mail_is_one_message_with_the_new_words_alone(
    send: Any, heard: Any, sent: Any, addresses: Addresses
) -> None:
    ours = sent("cus_1", channel="email", address=MAIL, address_hash=addresses.hash(MAIL))
    text = "Is it oak?\n\nOn Fri, 30 Oct 2026 at 12:00, Harbour <hello@harbour.example> wrote:\n> Spring sale!\n> Unsubscribe"
    for _ in range(3):
        assert send(text) == 204
    (row,) = heard()
    assert (row.channel, row.from_address, row.body) == ("email", MAIL, "Is it oak?")
    assert (row.customer_id, row.reply_to_message_id) == ("cus_1", ours)
    assert row.payload["subject"] == "Re: Spring sale"
    assert row.payload["text"].endswith("> Unsubscribe")


def test_an_opt_out_is_heeded_and_answered_by_the_outbox(
    send: Any, store: Store, addresses: Addresses
) -> None:
    send("Please take me off your mailing list.")
    with store.read() as connection:
        assert consent.suppressed(connection, [addresses.hash(MAIL)], "email")
        answer = connection.execute(select(messages)).one()
    assert (answer.channel, answer.address, answer.subject) == ("email", MAIL, "Re: Re: Spring sale")


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("STOP", ""),
        ("Unsubscribe", " \n"),
        ("Please unsubscribe me", "Anna Smith\nSent from my iPhone"),
        ("Re: Spring sale", "STOP\n\nSent from my iPhone"),
        ("Re: Spring sale", "Stop\n\nAnna Smith"),
        ("Re: Spring sale", "Unsubscribe.\n\nKind regards,\nAnna"),
        ("Re: STOP", ""),
    ],
)
def test_a_stop_is_heard_in_a_subject_and_over_a_signature(
    subject: str, text: str, send: Any, store: Store, addresses: Addresses
) -> None:
    assert (
        send(text, headers="Message-ID: <1@example.com>\nX-Auto-Response-Suppress: All\n", subject=subject)
        == 204
    )
    with store.read() as connection:
        assert consent.suppressed(connection, [addresses.hash(MAIL)], "email")


@pytest.mark.parametrize("given", [f"Murphy, Siobhán <{MAIL}>", "Murphy; undisclosed"])
def test_a_stop_is_heard_whatever_the_name_of_its_writer_does_to_the_address(
    given: str, send: Any, store: Store, addresses: Addresses
) -> None:
    headers = f"From: =?utf-8?Q?Murphy=2C_Siobh=C3=A1n?= <{MAIL}>\nMessage-ID: <1@example.com>\n"
    assert send("STOP", headers=headers, dkim="{@example.com : pass}", **{"from": given}) == 204
    with store.read() as connection:
        assert consent.suppressed(connection, [addresses.hash(MAIL)], "email") == {
            addresses.hash(MAIL): "stop"
        }


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Re: Unsubscribe any time", "Thanks, got it. When does it arrive?"),
        ("Re: Please take me off your list", "I never wrote that."),
        ("A question", "Cancel\n\nmy order 123, please"),
        ("Fwd: stop", "Look at this one!"),
        ("My order", "Stop\n\nwhat is this about the delivery on Tuesday?"),
    ],
)
def test_an_answer_s_subject_and_a_first_line_of_more_are_no_stop(
    subject: str, text: str, send: Any, store: Store, addresses: Addresses
) -> None:
    assert send(text, subject=subject) == 204
    with store.read() as connection:
        assert not consent.suppressed(connection, [addresses.hash(MAIL)], "email")


@pytest.mark.parametrize(
    "headers",
    [
        "Auto-Submitted: auto-replied\n",
        "Precedence: bulk\n",
        "X-Autoreply: yes\n",
        "Auto-Submitted: auto-generated; x\n",
    ],
)
def test_what_a_program_wrote_is_kept_and_obeyed_by_nobody(
    headers: str, send: Any, heard: Any, store: Store, addresses: Addresses
) -> None:
    assert send("STOP", headers=headers) == 204
    assert heard()[0].keyword is None
    with store.read() as connection:
        assert consent.suppressed(connection, [addresses.hash(MAIL)], "email") == {}
        assert connection.execute(select(messages)).all() == []


def test_html_alone_old_charsets_and_the_raw_form_are_read(send: Any, heard: Any) -> None:
    send(
        "",
        html="<style>p{}</style><p>Is it <b>oak</b>?</p><blockquote>Spring sale</blockquote>",
        headers="Message-ID: <a@x>\n",
    )
    send("Größe?".encode("iso-8859-1"), charsets='{"text": "iso-8859-1"}', headers="Message-ID: <b@x>\n")
    raw = f"From: {MAIL}\r\nTo: hello@harbour.example\r\nMessage-ID: <c@x>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nNaïve?"
    send(None, headers=None, email=raw, **{"from": None})
    assert [row.body for row in heard()] == ["Is it oak ?", "Größe?", "Naïve?"]


def test_a_mail_from_nobody_is_kept_as_it_came(send: Any, heard: Any, store: Store) -> None:
    assert send("Hello", **{"from": "undisclosed"}) == 204
    assert heard() == []
    with store.read() as connection:
        assert connection.execute(select(raw_requests.c.failure)).scalars().all() == ["incomplete"]


def test_when_live_only_our_own_address_lets_a_mail_in(
    send: Any, heard: Any, home: Any, store: Store, clock: Any, stage: Any
) -> None:
    live = read_settings(home=home, sending="live", public_url="https://hooks.example.com")
    stage[0].app = build_app(live, store, clock, lambda _: [])
    key = read_links(live).sign("sendgrid", "inbound")
    assert [send(query=query) for query in ("", "?key=", f"?key={key[:-1]}x", "?key=%ff")] == [403] * 4
    assert heard() == []
    assert send(query=f"?key={key}") == 204
    with store.read() as connection:
        kept = set(connection.execute(select(raw_requests.c.query)).scalars())
    assert kept == {"key=***"}, "the key is nobody's business for the thirty days that a request is kept"


def begin(base_url: str, query: str, *headers: str) -> socket.socket:
    """Begin to post a mail of 30 MB, and send nothing of it but the head."""
    parts = urlsplit(base_url)
    connection = socket.create_connection((parts.hostname, parts.port or 80), timeout=10)
    head = [f"POST {INBOUND}{query} HTTP/1.1", "Host: x", "Content-Type: multipart/form-data; boundary=xYz"]
    head += ["Content-Length: 30000000", *headers]
    connection.sendall("\r\n".join([*head, "", "x"]).encode())
    return connection


def status_of(connection: socket.socket) -> int:
    with connection:
        return int(connection.recv(100).split()[1])


def test_a_mail_of_a_stranger_is_refused_before_it_is_read(post: Any, home: Any, stage: Any) -> None:
    post.rebuilt(read_settings(home=home, sending="live", public_url="https://hooks.example.com"))
    for query in ("", "?key=wrong"):
        assert status_of(begin(stage[1], query, f"{SIGNATURE}: x")) == 403


def test_mails_that_are_long_in_coming_keep_nobody_from_being_heard(
    send: Any, heard: Any, post: Any, home: Any, stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sendgrid, "MAIL_SECONDS", 2.0)
    live = read_settings(
        home=home, sending="live", public_url="https://hooks.example.com", sendgrid_verification_key="key"
    )
    post.rebuilt(live)
    assert status_of(begin(stage[1], "?key=wrong")) == 403
    slow = [begin(stage[1], "", f"{SIGNATURE}: x") for _ in range(sendgrid.STRANGE_MAILS_AT_ONCE + 3)]
    assert send(query=f"?key={read_links(live).sign('sendgrid', 'inbound')}") == 204
    assert len(heard()) == 1
    assert [status_of(each) for each in slow] == [503] * len(slow)


@SHARED
@pytest.mark.sqlite
@given(
    body=st.binary(max_size=300) | st.dictionaries(
        st.sampled_from(["headers", "from", "to", "text", "html", "email", "charsets", "subject"]), st.text(max_size=60)
    ).map(lambda fields: form(dict(fields))[1]),
    kind=st.sampled_from(["multipart/form-data; boundary=xYz", "multipart/form-data", "text/plain", "", 'multipart/x; boundary=""']),
)  # fmt: skip
def test_no_post_however_odd_is_an_error_of_ours(body: bytes, kind: str, post: Any) -> None:
    assert post.raw(INBOUND, body, {"Content-Type": kind}).status_code == 204


def _bomb(depth: int, lines: int) -> bytes:
    opened = (b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(depth))
    return b"".join(opened) + b"\r\n" + b"a\n" * lines


HOSTILE: dict[str, Any] = {  # what took four seconds to some minutes
    "multiparts in one another, in a file": lambda: form(
        {"from": MAIL, "text": "STOP"}, ("a", _bomb(90, 500_000))
    ),
    "multiparts in one another, as the whole mail": lambda: form(
        {"email": b"From: " + MAIL.encode() + b"\r\nSubject: STOP\r\n" + _bomb(90, 500_000)}
    ),
    "lines of one character": lambda: form({"from": MAIL, "text": "STOP"}, ("a", b"a\n" * 5_000_000)),
    "a charset that is none": lambda: form(
        {"from": MAIL, "subject": "STOP", "text": b"a-" + b"b" * 500_000, "charsets": '{"text": "-punycode"}'}
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_mail_takes_a_second_whatever_its_shape(kind: str) -> None:
    content_type, body = HOSTILE[kind]()
    begun = time.process_time()
    mail = read_mail(content_type, body + b"delivery-status", "1")
    read_reports(content_type, body + b"delivery-status")
    assert time.process_time() - begun < 2
    assert mail is not None
    assert mail.from_address == MAIL
    assert "STOP" in {mail.body, mail.payload.get("subject")} or kind.endswith("whole mail")


def test_parts_are_read_with_bare_line_feeds_without_headers_and_with_a_transfer_encoding() -> None:
    body = (
        b'preamble\n--xYz\nContent-Disposition: form-data; name="From"\n\nada@example.com\n--xYz\n\nnameless\n'
        b"--xYz\nContent-Disposition: form-data; name=text\nContent-Transfer-Encoding: base64\n\nU1RPUA==\n--xYz--\nmore"
    )
    mail = read_mail("multipart/form-data; boundary=xYz", body, "1")
    assert mail is not None
    assert (mail.from_address, mail.body) == ("ada@example.com", "STOP")
