"""What people see: phones, mails, and nobody's words as markup."""

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from messaging.sandbox import views
from messaging.sandbox.server import RunningSandbox

PHONE = "+447700900123"
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}\"'&"


def test_the_overview_counts_and_names_the_latest_phones(
    send: Any, http: httpx.Client, box: RunningSandbox
) -> None:
    send("Your boards are back")
    assert box.settle(5)
    page = http.get("/").text
    assert "Your boards are back" in page
    assert "+44 7700 900123" in page
    assert "Friday 30 October 2026" in page


def test_a_phone_shows_what_came_and_how_it_went(
    send: Any, http: httpx.Client, fault: Any, box: RunningSandbox
) -> None:
    send("first")
    assert box.settle(5)
    fault("undelivered", code=30003)
    send("second")
    assert box.settle(5)
    page = http.get(f"/phones/{PHONE}").text
    assert page.index("first") < page.index("second")
    assert "Delivered" in page
    assert "Not delivered · error 30003" in page


def test_an_answer_written_on_the_page_reaches_the_webhook(
    send: Any, http: httpx.Client, box: RunningSandbox, listener: Any
) -> None:
    send()
    answer = http.post(f"/phones/{PHONE}", data={"body": "Is it oak?", "to": "+15005550006"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/phones/{PHONE}")
    assert box.settle(5)
    assert listener.heard.calls[0]["form"]["Body"] == "Is it oak?"
    assert "Is it oak?" in http.get(f"/phones/{PHONE}/thread").text


def test_stop_on_the_page_shows_the_automatic_reply_and_that_sends_are_refused(
    send: Any, http: httpx.Client
) -> None:
    send()
    http.post(f"/phones/{PHONE}", data={"body": "STOP", "to": "+15005550006"})
    page = http.get(f"/phones/{PHONE}").text
    assert "You have successfully been unsubscribed" in page
    assert "automatic reply" in page
    assert "21610" in page
    assert "opted out" in http.get("/phones").text


def test_hostile_words_stay_words_on_every_page(send: Any, http: httpx.Client, box: RunningSandbox) -> None:
    send(HOSTILE)
    http.post(f"/phones/{PHONE}", data={"body": HOSTILE, "to": "+15005550006"})
    box.sandbox.mailbox.add(HOSTILE, (HOSTILE,), f"Subject: {HOSTILE}\nTo: {HOSTILE}\n\n{HOSTILE}".encode())
    for path in ("/", "/phones", f"/phones/{PHONE}", f"/phones/{PHONE}/thread", "/mail", "/mail/1"):
        page = http.get(path)
        assert page.status_code == 200, path
        assert "<script>alert" not in page.text, path
        assert "<img" not in page.text, path


@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=80))
def test_a_text_without_links_is_escaped_and_nothing_else(text: str) -> None:
    assert views.link(text.replace("http", "")) == escape(text.replace("http", ""))


def test_a_web_address_becomes_a_link_and_its_full_stop_does_not() -> None:
    assert views.link("See https://x.example/a?b=1&c=2. Bye") == (
        'See <a href="https://x.example/a?b=1&amp;c=2" target="_blank" rel="noreferrer noopener">'
        "https://x.example/a?b=1&amp;c=2</a>. Bye"
    )
    assert "<a" not in views.link("javascript:alert(1)")


def test_pages_load_nothing_from_elsewhere_and_run_no_foreign_script(http: httpx.Client) -> None:
    for path in ("/", "/phones", f"/phones/{PHONE}", "/mail"):
        answer = http.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'nonce-" in policy
        assert "http" not in answer.text.replace("http-equiv", ""), path


def test_a_form_of_another_web_page_is_refused(http: httpx.Client, box: RunningSandbox) -> None:
    for origin in ("https://evil.example", "null"):
        answer = http.post(f"/phones/{PHONE}", data={"body": "STOP"}, headers={"Origin": origin})
        assert answer.status_code == 403
    assert box.sandbox.exchange.newest_first() == []
    assert http.get("/", headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize(
    "path", ["/phones/abc", "/phones/%3Cscript%3E", "/mail/99", "/mail/99/html", "/phones/+44/thread"]
)
def test_what_is_not_there_is_a_page_that_says_so(path: str, http: httpx.Client) -> None:
    answer = http.get(path)
    assert answer.status_code == 404
    assert "There is no such" in answer.text


def test_a_number_is_found_as_people_write_it(http: httpx.Client) -> None:
    answer = http.get("/phones", params={"number": "+44 7700 900 123"})
    assert answer.headers["location"] == f"/phones/{PHONE}"
    assert "Nothing has come to this phone yet" in http.get(answer.headers["location"]).text


def test_an_empty_answer_is_not_sent(http: httpx.Client, box: RunningSandbox) -> None:
    assert http.post(f"/phones/{PHONE}", data={"body": "   "}).status_code == 303
    assert box.sandbox.exchange.newest_first() == []


def test_numbers_are_written_as_people_do() -> None:
    assert views.show_number("+447700900123") == "+44 7700 900123"
    assert views.show_number("whatsapp:+447700900123") == "WhatsApp +44 7700 900123"
    assert views.show_number("HARBOUR") == "HARBOUR"


def test_a_call_is_shown_with_what_was_said(twilio: Any, http: httpx.Client, box: RunningSandbox) -> None:
    twiml = f"<Response><Say>{escape(HOSTILE)}</Say></Response>"
    twilio.calls.create(to=PHONE, from_="+15005550006", twiml=twiml)
    assert box.settle(5)
    page = http.get(f"/phones/{PHONE}").text
    assert "Call answered · 0:" in page
    assert str(escape(HOSTILE)) in page
    assert HOSTILE not in page
    assert "Call answered" in http.get("/phones").text


def test_the_owner_of_a_phone_decides_on_its_page_whether_to_answer(
    http: httpx.Client, box: RunningSandbox
) -> None:
    answer = http.post(f"/phones/{PHONE}/habit", data={"habit": "busy"})
    assert answer.status_code == 303
    assert box.sandbox.switchboard.habit(PHONE) == "busy"
    assert 'value="busy" aria-pressed="true"' in http.get(f"/phones/{PHONE}").text
    assert http.post(f"/phones/{PHONE}/habit", data={"habit": "shout"}).status_code == 404


def test_a_picture_goes_along_with_an_answer(
    send: Any, http: httpx.Client, box: RunningSandbox, listener: Any
) -> None:
    picture = {"file": ("oak.png", b"\x89PNG", "image/png")}
    http.post(f"/phones/{PHONE}", data={"body": ""}, files=picture)
    assert box.settle(5)
    form = listener.heard.calls[-1]["form"]
    assert (form["NumMedia"], form["MediaContentType0"], form["Body"]) == ("1", "image/png", "")
    assert form["MediaUrl0"].startswith(box.base_url)
    assert f'href="{form["MediaUrl0"]}"' in http.get(f"/phones/{PHONE}/thread").text


def test_a_file_that_is_too_large_is_refused(http: httpx.Client, box: RunningSandbox) -> None:
    object.__setattr__(box.sandbox.settings, "media_bytes", 1000)
    picture = {"file": ("oak.png", b"x" * 30_000, "image/png")}
    assert http.post(f"/phones/{PHONE}", data={"body": ""}, files=picture).status_code == 413
    assert box.sandbox.exchange.thread(PHONE) == []


def test_a_chat_is_begun_and_written_in(http: httpx.Client, box: RunningSandbox, listener: Any) -> None:
    object.__setattr__(box.sandbox.settings, "conversations_url", f"{listener.base_url}/chat")
    path = http.post("/chats", data={"name": HOSTILE}).headers["location"]
    http.post(path, data={"body": HOSTILE})
    assert box.settle(5)
    assert listener.heard.calls[0]["form"]["Body"] == HOSTILE
    box.sandbox.conversations.write(path.rpartition("/")[2], {"Body": f"Answer {HOSTILE}"})
    for page in (http.get("/chats").text, http.get(path).text, http.get(f"{path}/thread").text):
        assert str(escape(HOSTILE[:20])) in page
        assert "<script>alert" not in page
        assert "<img" not in page


def test_a_mail_is_answered_and_read_on_its_page(
    http: httpx.Client, box: RunningSandbox, listener: Any
) -> None:
    for name in ("sendgrid_events_url", "sendgrid_inbound_url"):
        object.__setattr__(box.sandbox.settings, name, f"{listener.base_url}/{name}")
    mail = {
        "personalizations": [{"to": [{"email": "ada@example.com"}]}],
        "from": {"email": "hello@shop.example.com"},
        "subject": HOSTILE,
        "content": [{"type": "text/plain", "value": HOSTILE}],
    }
    http.post("/v3/mail/send", json=mail, headers={"Authorization": "Bearer SG.x"}).raise_for_status()
    page = http.get("/mail/1").text
    assert "came by SendGrid" in page
    assert HOSTILE not in page
    assert http.post("/mail/1", data={"words": "Thank you"}).headers["location"] == "/mail/1?done=answer"
    assert http.post("/mail/1/done/spam").headers["location"] == "/mail/1?done=spam"
    assert http.post("/mail/1/done/shout").status_code == 404
    assert "on its way to the company" in http.get("/mail/1?done=answer").text
    assert box.settle(5)
    assert {call["path"] for call in listener.heard.calls} == {"sendgrid_events_url", "sendgrid_inbound_url"}


@pytest.mark.parametrize(
    "path",
    [f"/phones/{PHONE}", f"/phones/{PHONE}/habit", "/chats", "/chats/CH1", "/mail/1", "/mail/1/done/spam"],
)
def test_no_form_is_taken_from_another_page(http: httpx.Client, path: str) -> None:
    answer = http.post(path, data={"body": "x"}, headers={"Origin": "http://elsewhere.example.com"})
    assert answer.status_code == 403


@pytest.mark.parametrize("path", ["/chats/CH1", "/chats/CH1/thread", "/mail/77", "/phones/nobody"])
def test_what_is_not_there_is_told(http: httpx.Client, path: str) -> None:
    answer = http.get(path)
    assert answer.status_code == 404
    assert "There is no such" in answer.text
