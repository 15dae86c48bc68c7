"""Nothing gets in that Twilio did not sign, and nothing that gets refused breaks anything."""

from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.datastructures import Headers, ImmutableMultiDict

from messaging.sandbox.signing import signature
from messaging.settings import SANDBOX_AUTH_TOKEN, read_settings
from messaging.webhooks.signatures import is_signed, read_form

PATHS = ("/webhooks/twilio/status", "/webhooks/twilio/inbound")
SHARED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30)


def test_a_signed_request_is_taken(post: Any, form: Any, kept: Any) -> None:
    assert post.signed(PATHS[0], form("sent")).status_code == 204
    assert kept() == (1, 0)


@pytest.mark.parametrize("signed_by", ["https://HOOKS.example.com", "https://hooks.example.com"])
def test_a_public_address_in_capitals_is_one_with_that_in_small_letters(
    signed_by: str, post: Any, form: Any, kept: Any, home: Any
) -> None:
    post.rebuilt(read_settings(home=home, public_url="https://HOOKS.example.com"))
    fields = form("sent")
    headers = {"X-Twilio-Signature": signature(SANDBOX_AUTH_TOKEN, signed_by + PATHS[0], fields)}
    assert post.raw(PATHS[0], urlencode(fields), headers).status_code == 204
    assert kept() == (1, 0)
    other = {
        "X-Twilio-Signature": signature(SANDBOX_AUTH_TOKEN, "https://other.example.com" + PATHS[0], fields)
    }
    assert post.raw(PATHS[0], urlencode(fields), other).status_code == 403


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("given_signature", [None, "", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "é"])
def test_without_a_right_signature_the_answer_is_403_and_nothing_is_stored(
    path: str, given_signature: str | None, post: Any, form: Any, kept: Any
) -> None:
    headers = {} if given_signature is None else {"X-Twilio-Signature": given_signature.encode()}
    assert post.raw(path, urlencode(form("sent")), headers).status_code == 403
    assert kept() == (0, 0)


def test_a_signature_by_another_token_is_forged(post: Any, form: Any, kept: Any) -> None:
    assert post.signed(PATHS[0], form("sent"), token="guess").status_code == 403
    assert kept() == (0, 0)


@SHARED
@given(
    changed=st.sampled_from(["value", "name", "dropped", "added", "blank", "query", "path", "twice"]),
    text=TEXT,
)
def test_whatever_is_altered_after_signing_is_refused(
    changed: str, text: str, post: Any, form: Any, kept: Any
) -> None:
    fields = form("sent", ErrorCode="30003")
    signed = {"X-Twilio-Signature": signature(SANDBOX_AUTH_TOKEN, post.public_url + PATHS[0], fields)}
    path, pairs = PATHS[0], list(fields.items())
    match changed:
        case "value":
            pairs[0] = (pairs[0][0], pairs[0][1] + "0" + text)
        case "name":
            pairs[0] = ("X" + text, pairs[0][1])
        case "dropped":
            pairs.pop()
        case "added":
            pairs.append(("Extra" + text, text))
        case "blank":
            pairs.append(("Blank" + text, ""))
        case "query":
            path = f"{path}?message=msg_{'0' * 32}"
        case "path":
            path = PATHS[1]
        case "twice":
            pairs.append((pairs[0][0], pairs[0][1] + "1" + text))
    assert post.raw(path, urlencode(pairs), signed).status_code == 403
    assert kept() == (0, 0)


@SHARED
@given(
    body=st.binary(max_size=300),
    kind=st.sampled_from(
        ["application/x-www-form-urlencoded", "application/json", "multipart/form-data", ""]
    ),
    header=st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), max_size=40),
)
def test_any_odd_body_is_403_and_never_an_error_of_ours(
    body: bytes, kind: str, header: str, post: Any, kept: Any
) -> None:
    for path in PATHS:
        headers = {"Content-Type": kind, "X-Twilio-Signature": header}
        assert post.raw(path, body, headers).status_code == 403
    assert kept() == (0, 0)


@SHARED
@given(fields=st.dictionaries(TEXT.filter(bool), TEXT, max_size=8))
def test_a_signed_form_that_says_nothing_useful_is_400_and_never_an_error(
    fields: dict[str, str], post: Any, kept: Any
) -> None:
    for path in PATHS:
        answer = post.signed(path, fields)
        assert answer.status_code == 400
    assert kept() == (0, 0)


def test_json_that_carries_no_form_is_refused_even_with_a_hash(post: Any) -> None:
    path = f"{PATHS[0]}?bodySHA256={'0' * 64}"
    headers = {"Content-Type": "application/json", "X-Twilio-Signature": "x"}
    assert post.raw(path, "{}", headers).status_code == 403


def test_a_body_over_64_kilobytes_is_413_whether_or_not_it_says_so(post: Any, form: Any, kept: Any) -> None:
    long = form("sent", Body="x" * 70_000)
    assert post.signed(PATHS[0], long).status_code == 413

    def pieces() -> Any:
        for _ in range(200):
            yield b"x" * 1024

    assert post.client.post(PATHS[0], content=pieces()).status_code == 413
    assert kept() == (0, 0)


def test_too_many_fields_are_refused() -> None:
    headers = Headers({"content-type": "application/x-www-form-urlencoded"})
    body = "&".join(f"a{number}=1" for number in range(300)).encode()
    assert read_form(headers, body) is None


def test_blank_values_and_the_raw_query_take_part_in_the_signature(post: Any, form: Any) -> None:
    path = f"{PATHS[0]}?message=msg_1&x=%C3%A9+b&blank="
    assert post.signed(path, form("sent", Blank="", Words="a+b c é")).status_code == 204


def test_a_repeated_field_is_taken_when_it_was_signed_so() -> None:
    pairs = [("MediaUrl", "b"), ("MediaUrl", "a"), ("To", "x")]
    url = "https://rapport.example/webhooks/twilio/status"
    text_signed = signature("token", url, {"MediaUrl": "aMediaUrlb", "To": "x"})
    headers = Headers({"X-Twilio-Signature": text_signed})
    assert is_signed("token", url, headers, ImmutableMultiDict(pairs))


def test_an_installation_without_a_token_takes_nothing() -> None:
    headers = Headers({"X-Twilio-Signature": signature("", "https://x.example/", {})})
    assert not is_signed("", "https://x.example/", headers, ImmutableMultiDict())


def test_an_unknown_algorithm_is_refused() -> None:
    url = "https://x.example/"
    headers = Headers(
        {
            "X-Twilio-Signature": signature("token", url, {}),
            "X-Twilio-Webhooks-Signature-Settings": "key=k,algorithm=HMAC_MD5",
        }
    )
    assert not is_signed("token", url, headers, ImmutableMultiDict())
