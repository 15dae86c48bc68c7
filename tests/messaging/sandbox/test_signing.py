"""Two implementations that share no code agree on a signature."""

from urllib.parse import urlsplit

from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from messaging.sandbox.signing import signature

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40)
TOKEN = "sandbox-token"


@settings(max_examples=200, deadline=None)
@given(params=st.dictionaries(TEXT, TEXT, max_size=8), path=st.text(alphabet="abc/?&=%20é", max_size=20))
def test_twilios_validator_takes_what_we_sign(params: dict[str, str], path: str) -> None:
    url = urlsplit(f"http://127.0.0.1:8011/{path}").geturl()  # as a browser would write it
    signed = signature(TOKEN, url, params)
    assert RequestValidator(TOKEN).compute_signature(url, params) == signed
    assert RequestValidator(TOKEN).validate(url, params, signed)
    assert not RequestValidator("another").validate(url, params, signed)


def test_twilios_published_example() -> None:
    params = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert signature("12345", url, params) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def test_connection_overrides_behind_the_address_are_not_signed() -> None:
    url, params = "https://hooks.example.com/status?message=msg_1", {"MessageSid": "SM1"}
    signed = signature(TOKEN, url + "#rc=5&rp=all", params)
    assert RequestValidator(TOKEN).compute_signature(url, params) == signed
