"""WhatsApp templates: written out with what fills them, allowed at any time, refused where they are not here."""

import base64
import json
from typing import Any

import httpx
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from messaging.sandbox.server import RunningSandbox
from messaging.sandbox.settings import SandboxSettings

ADA = "whatsapp:+447700900123"
SHOP = "whatsapp:+15005550006"


@pytest.fixture
def template(http: httpx.Client, box_settings: SandboxSettings) -> str:
    document = {
        "friendly_name": "order_ready",
        "language": "en",
        "variables": {"1": "there"},
        "types": {"twilio/text": {"body": "Hello {{1}}, order {{2}} is ready."}},
    }
    auth = (box_settings.account_sid, box_settings.auth_token)
    answer = http.post("/v1/Content", json=document, auth=auth)
    assert answer.status_code == 201
    assert http.get(f"/v1/Content/{answer.json()['sid']}", auth=auth).json() == answer.json()
    return str(answer.json()["sid"])


def _send(twilio: Client, sid: str, variables: str) -> Any:
    return twilio.messages.create(to=ADA, from_=SHOP, content_sid=sid, content_variables=variables)


def test_a_template_is_written_out_and_may_go_at_any_time(
    twilio: Client, box: RunningSandbox, template: str
) -> None:
    made = _send(twilio, template, json.dumps({"1": "{{2}}", "2": "7"}))
    assert made.body == "Hello {{2}}, order 7 is ready."
    assert box.settle(5)
    assert twilio.messages(made.sid).fetch().status == "delivered"


def test_who_answers_by_whatsapp_has_read_what_lay_there(
    twilio: Client, http: httpx.Client, box: RunningSandbox, template: str, listener: Any
) -> None:
    made = twilio.messages.create(
        to=ADA,
        from_=SHOP,
        content_sid=template,
        content_variables='{"2": "7"}',
        status_callback=listener.status_url,
    )
    assert box.settle(5)
    http.post(f"/_sandbox/phones/{ADA}/messages", json={"body": "Thanks", "to": SHOP}).raise_for_status()
    assert box.settle(5)
    assert twilio.messages(made.sid).fetch().status == "read"
    assert listener.heard.statuses[-2:] == ["delivered", "read"]


def test_free_words_fail_outside_of_the_window(twilio: Client, box: RunningSandbox) -> None:
    made = twilio.messages.create(to=ADA, from_=SHOP, body="Hello")
    assert box.settle(5)
    fetched = twilio.messages(made.sid).fetch()
    assert (fetched.status, fetched.error_code) == ("failed", 63016)


@pytest.mark.parametrize(
    "variables", ["no json", "[]", '{"1": 7}', '{"1": ""}', json.dumps({"1": "x" * 1100})]
)
def test_variables_that_whatsapp_would_not_take_are_refused(
    twilio: Client, template: str, variables: str
) -> None:
    with pytest.raises(TwilioRestException) as told:
        _send(twilio, template, variables)
    assert told.value.code == 21656


def test_a_template_that_is_not_here_is_refused(twilio: Client) -> None:
    with pytest.raises(TwilioRestException) as told:
        _send(twilio, "HX" + "0" * 32, "")
    assert told.value.code == 21655


def test_what_a_phone_sends_along_is_fetched_from_the_api(
    http: httpx.Client, box: RunningSandbox, box_settings: SandboxSettings, listener: Any
) -> None:
    picture = {"content_type": "image/png", "content": base64.b64encode(b"\x89PNG").decode()}
    form = {"body": "Broken", "to": SHOP, "files": [picture], "latitude": 51.5, "longitude": -0.12}
    http.post(f"/_sandbox/phones/{ADA}/messages", json=form).raise_for_status()
    assert box.settle(5)
    told = listener.heard.calls[-1]["form"]
    assert (told["NumMedia"], told["MediaContentType0"]) == ("1", "image/png")
    assert (told["Latitude"], told["Longitude"]) == ("51.5", "-0.12")
    assert httpx.get(told["MediaUrl0"], trust_env=False).status_code == 401
    auth = (box_settings.account_sid, box_settings.auth_token)
    fetched = httpx.get(told["MediaUrl0"], auth=auth, trust_env=False)
    assert (fetched.content, fetched.headers["Content-Type"]) == (b"\x89PNG", "image/png")
