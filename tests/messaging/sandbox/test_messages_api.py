"""The Messages API, asked by the real Twilio client."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from messaging.sandbox.server import RunningSandbox
from messaging.sandbox.settings import SandboxSettings

PHONE = "+447700900123"
SENDER = "+15005550006"
SERVICE = "MG" + "a" * 32
RESOURCE = {  # of Twilio's OpenAPI description, version 2010-04-01
    "account_sid",
    "api_version",
    "body",
    "date_created",
    "date_sent",
    "date_updated",
    "direction",
    "error_code",
    "error_message",
    "from",
    "messaging_service_sid",
    "num_media",
    "num_segments",
    "price",
    "price_unit",
    "sid",
    "status",
    "subresource_uris",
    "to",
    "uri",
}


def create(box: RunningSandbox, settings: SandboxSettings, **form: str) -> httpx.Response:
    address = f"{box.base_url}/2010-04-01/Accounts/{settings.account_sid}/Messages.json"
    auth = (settings.account_sid, settings.auth_token)
    return httpx.post(address, data=form, auth=auth, trust_env=False)


def test_a_message_has_the_fields_and_types_of_twilios_resource(
    box: RunningSandbox, box_settings: SandboxSettings
) -> None:
    answer = create(box, box_settings, To=PHONE, From=SENDER, Body="Hello")
    assert answer.status_code == 201
    document = answer.json()
    assert set(document) == RESOURCE
    assert document["date_created"] == "Fri, 30 Oct 2026 12:00:00 +0000"
    assert (document["num_segments"], document["num_media"], document["direction"]) == (
        "1",
        "0",
        "outbound-api",
    )
    assert (document["date_sent"], document["price"], document["error_code"]) == (None, None, None)
    path = f"/2010-04-01/Accounts/{box_settings.account_sid}/Messages/{document['sid']}"
    assert document["uri"] == f"{path}.json"
    assert document["subresource_uris"] == {
        "media": f"{path}/Media.json",
        "feedback": f"{path}/Feedback.json",
    }
    assert answer.headers["Twilio-Request-Id"].startswith("RQ")
    assert answer.headers["Twilio-Concurrent-Requests"] == "1"


def test_a_message_begins_as_queued(send: Any) -> None:
    message = send()
    assert (message.status, message.from_, message.to) == ("queued", SENDER, PHONE)
    assert message.sid.startswith("SM")
    assert len(message.sid) == 34
    assert message.date_created == datetime(2026, 10, 30, 12, tzinfo=UTC)


def test_through_a_messaging_service_it_begins_as_accepted_without_a_sender(send: Any) -> None:
    message = send(from_=None, messaging_service_sid=SERVICE)
    assert (message.status, message.from_, message.num_segments) == ("accepted", None, "0")
    assert message.messaging_service_sid == SERVICE


def test_a_picture_makes_it_an_mms(send: Any) -> None:
    message = send(media_url=["https://example.com/a.png", "https://example.com/b.png"])
    assert message.sid.startswith("MM")
    assert message.num_media == "2"


def test_it_is_delivered_in_the_end_and_has_a_price_as_a_negative_string(
    send: Any, box: RunningSandbox, twilio: Client
) -> None:
    sid = send("x" * 161).sid
    assert box.settle(5)
    message = twilio.messages(sid).fetch()
    assert (message.status, message.num_segments, message.price) == ("delivered", "2", "-0.01580")
    assert message.date_sent == datetime(2026, 10, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("to", "sender", "code"),
    [
        ("+15005550001", SENDER, 21211),
        ("+15005550002", SENDER, 21612),
        ("+15005550003", SENDER, 21408),
        ("+15005550004", SENDER, 21610),
        ("+15005550009", SENDER, 21614),
        (PHONE, "+15005550001", 21212),
        (PHONE, "+15005550007", 21606),
        (PHONE, "+15005550008", 21611),
        ("not a number", SENDER, 21211),
        (PHONE, "!!", 21212),
        (f"whatsapp:{PHONE}", SENDER, 21910),
    ],
)
def test_magic_and_impossible_numbers_are_refused_with_twilios_codes(
    to: str, sender: str, code: int, send: Any, box: RunningSandbox
) -> None:
    with pytest.raises(TwilioRestException) as refused:
        send(to=to, from_=sender)
    assert (refused.value.status, refused.value.code) == (400, code)
    assert box.sandbox.exchange.newest_first() == []


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"From": SENDER, "Body": "x"}, 21604),
        ({"To": PHONE, "Body": "x"}, 21603),
        ({"To": PHONE, "From": SENDER}, 21602),
        ({"To": PHONE, "From": SENDER, "Body": "x" * 1601}, 21617),
        ({"To": PHONE, "From": SENDER, "ContentSid": "HX" + "0" * 32}, 21655),
    ],
)
def test_what_is_missing_or_too_long_is_named(
    form: dict[str, str], code: int, box: RunningSandbox, box_settings: SandboxSettings
) -> None:
    answer = create(box, box_settings, **form)
    assert answer.status_code == 400
    document = answer.json()
    assert set(document) == {"code", "message", "more_info", "status"}
    assert document["code"] == code
    assert document["more_info"] == f"https://www.twilio.com/docs/errors/{code}"
    assert document["status"] == 400


def test_1600_characters_still_go(send: Any) -> None:
    assert send("x" * 1600).num_segments == "11"


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/x", "http://example.com/status", "http://local_host:1/", "no url", "http://[::"]
)
def test_a_callback_address_that_is_no_url_or_not_on_this_machine_is_refused(url: str, send: Any) -> None:
    with pytest.raises(TwilioRestException) as refused:
        send(status_callback=url)
    assert refused.value.code == 21609


def test_wrong_credentials_get_401_and_20003(box: RunningSandbox, box_settings: SandboxSettings) -> None:
    address = f"{box.base_url}/2010-04-01/Accounts/{box_settings.account_sid}/Messages.json"
    for auth in (None, (box_settings.account_sid, "guess"), ("AC" + "1" * 32, box_settings.auth_token)):
        answer = httpx.post(address, data={"To": PHONE, "From": SENDER, "Body": "x"}, auth=auth)
        assert (answer.status_code, answer.json()["code"]) == (401, 20003)
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
    for header in ("Basic ###", "Bearer x", "Basic"):
        assert httpx.get(address, headers={"Authorization": header}).status_code == 401


def test_unknown_paths_and_messages_get_404_and_20404(
    box: RunningSandbox, box_settings: SandboxSettings, twilio: Client
) -> None:
    auth = (box_settings.account_sid, box_settings.auth_token)
    for path in ("/2010-04-01/Nowhere.json", f"/2010-04-01/Accounts/AC{'9' * 32}/Messages.json"):
        answer = httpx.get(f"{box.base_url}{path}", auth=auth)
        assert (answer.status_code, answer.json()["code"]) == (404, 20404)
    with pytest.raises(TwilioRestException) as missing:
        twilio.messages("SM" + "f" * 32).fetch()
    assert (missing.value.status, missing.value.code) == (404, 20404)


def test_a_message_can_be_redacted_but_not_rewritten(send: Any, twilio: Client, box: RunningSandbox) -> None:
    sid = send("a secret").sid
    assert box.settle(5)
    with pytest.raises(TwilioRestException) as refused:
        twilio.messages(sid).update(body="something else")
    assert refused.value.status == 400
    assert twilio.messages(sid).update(body="").body == ""
    assert twilio.messages(sid).fetch().body == ""


def test_a_message_can_be_deleted_only_after_its_end(send: Any, twilio: Client, box: RunningSandbox) -> None:
    message = send()
    if box.sandbox.exchange.get(message.sid).status != "delivered":
        with pytest.raises(TwilioRestException) as early:
            twilio.messages(message.sid).delete()
        assert early.value.code == 20009
    assert box.settle(5)
    assert twilio.messages(message.sid).delete()
    with pytest.raises(TwilioRestException):
        twilio.messages(message.sid).fetch()


def test_only_a_scheduled_message_can_be_cancelled(send: Any, twilio: Client) -> None:
    later = datetime(2026, 10, 30, 13, tzinfo=UTC)
    scheduled = send(from_=None, messaging_service_sid=SERVICE, schedule_type="fixed", send_at=later)
    assert scheduled.status == "scheduled"
    assert twilio.messages(scheduled.sid).update(status="canceled").status == "canceled"
    with pytest.raises(TwilioRestException) as refused:
        twilio.messages(send().sid).update(status="canceled")
    assert refused.value.code == 30409


def test_a_schedule_has_to_lie_between_five_minutes_and_35_days_ahead(send: Any) -> None:
    for moment in (datetime(2026, 10, 30, 12, 4, tzinfo=UTC), datetime(2026, 12, 5, tzinfo=UTC)):
        with pytest.raises(TwilioRestException) as refused:
            send(from_=None, messaging_service_sid=SERVICE, schedule_type="fixed", send_at=moment)
        assert refused.value.code == 35114
    assert send(schedule_type="fixed", send_at=datetime(2026, 10, 30, 13, tzinfo=UTC)).status == "queued"


def test_whatsapp_outside_of_the_24_hour_window_fails_with_63016(
    send: Any, box: RunningSandbox, twilio: Client, now: Any
) -> None:
    numbers = {"to": f"whatsapp:{PHONE}", "from_": f"whatsapp:{SENDER}"}
    cold = send(**numbers)
    box.sandbox.exchange.receive(numbers["to"], numbers["from_"], "hello?")
    warm = send(**numbers)
    now.forward(hours=25)
    late = send(**numbers)
    assert box.settle(5)
    found = {sid: twilio.messages(sid).fetch() for sid in (cold.sid, warm.sid, late.sid)}
    assert [(found[sid].status, found[sid].error_code) for sid in found] == [
        ("failed", 63016),
        ("delivered", None),
        ("failed", 63016),
    ]
