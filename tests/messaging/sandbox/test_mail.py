"""The mail catcher: what is sent by SMTP is kept, shown and goes nowhere."""

import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import httpx
import pytest

from messaging.sandbox.mail import Mail
from messaging.sandbox.mail_pages import one_click
from messaging.sandbox.server import RunningSandbox, running
from messaging.sandbox.settings import SandboxSettings

HTML = '<h1>Hello</h1><script>alert(1)</script><img src="https://tracker.example/x.png"><a href="https://x.example">x</a>'


@pytest.fixture
def post_office(now: Any) -> Iterator[RunningSandbox]:
    with running(settings=SandboxSettings(mails_kept=3, mail_bytes=20_000), now=now) as sandbox:
        yield sandbox


def mail(subject: str = "We kept your favourites", **headers: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Harbour & Pine <hello@harbour-and-pine.example.com>"
    message["To"] = "Siobhán <siobhan@example.com>"
    message["Subject"] = subject
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content("Hello Siobhán, your boards are back.")
    message.add_alternative(HTML, subtype="html")
    return message


def deliver(sandbox: RunningSandbox, *mails: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", sandbox.smtp_port) as client:
        for message in mails:
            client.send_message(message)


def test_a_mail_is_kept_as_it_came(post_office: RunningSandbox) -> None:
    deliver(post_office, mail())
    kept = post_office.sandbox.mailbox.newest_first()[0]
    assert kept.envelope_from == "hello@harbour-and-pine.example.com"
    assert kept.envelope_to == ("siobhan@example.com",)
    assert kept.parse()["Subject"] == "We kept your favourites"
    assert "Siobhán" in kept.parse().get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_only_the_last_mails_are_kept(post_office: RunningSandbox) -> None:
    deliver(post_office, *(mail(f"number {number}") for number in range(5)))
    subjects = [str(one.parse()["Subject"]) for one in post_office.sandbox.mailbox.newest_first()]
    assert subjects == ["number 4", "number 3", "number 2"]


def test_a_mail_that_is_too_big_is_refused(post_office: RunningSandbox) -> None:
    with pytest.raises(smtplib.SMTPException):
        deliver(post_office, mail("x" * 30_000))
    assert post_office.sandbox.mailbox.newest_first() == []


def test_the_list_and_the_mail_are_shown(post_office: RunningSandbox) -> None:
    deliver(post_office, mail())
    listed = httpx.get(f"{post_office.base_url}/mail").text
    assert "We kept your favourites" in listed
    assert "Siobhán" in listed
    shown = httpx.get(f"{post_office.base_url}/mail/1").text
    assert "your boards are back" in shown
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in shown
    assert "<script>alert" not in shown
    assert "tracker.example" not in shown


def test_a_mails_html_runs_no_script_and_loads_nothing(post_office: RunningSandbox) -> None:
    deliver(post_office, mail())
    answer = httpx.get(f"{post_office.base_url}/mail/1/html")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox ")
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy
    assert "img-src data:;" in f"{policy};"


def test_one_click_unsubscribe_posts_what_rfc_8058_says(post_office: RunningSandbox, listener: Any) -> None:
    offer = {
        "List_Unsubscribe": f"<mailto:x@example.com>, <{listener.base_url}/u/token>",
        "List_Unsubscribe_Post": "List-Unsubscribe=One-Click",
    }
    deliver(post_office, mail(**offer))
    assert "one-click unsubscribe" in httpx.get(f"{post_office.base_url}/mail/1").text
    answer = httpx.post(f"{post_office.base_url}/mail/1/unsubscribe", follow_redirects=True)
    assert "took the request" in answer.text
    (call,) = listener.heard.calls
    assert (call["path"], call["form"]) == ("u/token", {"List-Unsubscribe": "One-Click"})
    listener.heard.answer = 500
    answer = httpx.post(f"{post_office.base_url}/mail/1/unsubscribe", follow_redirects=True)
    assert "did not take the request" in answer.text


def test_one_click_is_offered_only_on_this_machine_and_with_both_headers(now: Any) -> None:
    both = {
        "List_Unsubscribe": "<https://example.com/u/1>",
        "List_Unsubscribe_Post": "List-Unsubscribe=One-Click",
    }
    alone = {"List_Unsubscribe": "<http://127.0.0.1:8011/u/1>"}
    for headers in (both, alone, {}):
        assert one_click(Mail(1, now(), "a@x.example", ("b@x.example",), mail(**headers).as_bytes())) is None
    near = both | alone
    address = one_click(Mail(1, now(), "a@x.example", ("b@x.example",), mail(**near).as_bytes()))
    assert address == "http://127.0.0.1:8011/u/1"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00",
        b"To: =?utf-8?b?////?=\nFrom: <<<>>>\nSubject: =?x?q?=\n\n\xff",
        b"Content-Type: text/html; charset=no-such\n\n<b>x</b>",
        b'Content-Type: multipart/mixed; boundary="x"\n\n--x\n',
        b'To: "unclosed <a@x>\nFrom: @@@\n\nx',
    ],
)
def test_a_broken_mail_is_shown_all_the_same(raw: bytes, box: RunningSandbox, http: httpx.Client) -> None:
    box.sandbox.mailbox.add("a@x.example", ("b@x.example",), raw)
    assert http.get("/mail").status_code == 200
    assert http.get("/mail/1").status_code == 200
    assert http.get("/mail/1/html").status_code in {200, 404}
