"""Attacks in what a template says, in what a segment asks for and in a customer's own name: refused, or bounded and harmless."""

import resource
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts.contracts import published_contract
from data_contracts.errors import SegmentError, TemplateError
from messaging import segments
from messaging.customers import Customers

from .test_rendering import ATTACKS, mail, sms

CANARY = "canary-7f3a9c"
SECONDS, MEBIBYTES, CHARACTERS = 1.5, 256, 20_000
IN_VALUES = [
    *ATTACKS,
    "'; DROP TABLE c360.customer_360; --",
    "' OR '1'='1",
    '" OR ""="',
    "x' UNION SELECT getenv('RAPPORT_CANARY') --",
    "getenv('RAPPORT_CANARY')",
    "read_text('/etc/passwd')",
    "%' OR 1=1 --",
    "%",
    "_",
    "\\",
    "$1",
    "?",
    "{columns}",
    "a" * 10_000,
]
ALPHABET = "{{ }} {% %} {# #} given_name .__class__ | default ('x') if endif for range(9**9) [ ] ( ) * 'a' config environ -%} \\ ß"
PIECES = st.sampled_from([*ALPHABET.split(), " ", "\n", "set x =", "9" * 30])


def said(make: Callable[[], Any]) -> str:
    """Give what a template says, or nothing where it is refused, within the bounds."""
    began = time.process_time()
    try:
        rendered = make()
    except TemplateError:
        text = ""
    else:
        text = f"{rendered.subject or ''}{rendered.body}{rendered.html or ''}"
        assert max(len(rendered.body), len(rendered.html or "")) <= CHARACTERS
    assert time.process_time() - began <= SECONDS
    return text


def test_no_attack_in_a_template_renders_the_environment_or_takes_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RAPPORT_CANARY", CANARY)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for attack in ATTACKS:
        for text in (attack, f"Hello {attack}, it is us", f"{{% if given_name %}}{attack}{{% endif %}}"):
            assert said(lambda text=text: sms(text)) == "", attack
            assert said(lambda text=text: mail(f"<p>{text}</p>")) == "", attack
            assert said(lambda text=text: mail("<p>x</p>", text.replace('"', "'"))) == "", attack
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown / 1024 <= MEBIBYTES


@settings(max_examples=150)
@given(parts=st.lists(PIECES, max_size=14))
def test_no_template_that_is_put_together_of_attacks_says_the_environment(parts: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAPPORT_CANARY", CANARY)
        assert CANARY not in said(lambda: sms("".join(parts)))
        assert CANARY not in said(lambda: mail(f"<p>{''.join(parts)}</p>"))


@pytest.mark.sqlite  # of the release alone
@pytest.mark.parametrize("test", ["=", "contains"])
def test_no_attack_in_a_segments_value_is_more_than_a_value(
    customers: Customers,
    publish: Callable[..., str],
    make_person: Callable[..., dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    test: str,
) -> None:
    monkeypatch.setenv("RAPPORT_CANARY", CANARY)
    people = [make_person(number, given_name=attack) for number, attack in enumerate(IN_VALUES)]
    publish(customer_360=[*people, make_person(900, given_name="Ada")])
    contract = published_contract("customer_360")
    with customers.reader.snapshot() as snapshot:
        for attack in IN_VALUES:
            began = time.process_time()
            rule = {"where": {"column": "given_name", "test": test, "value": attack}}
            try:
                segment = segments.read_segment("tried", rule, contract)
            except SegmentError:
                assert len(attack) > 200, "only what is too long is no value"
                continue
            matched = {row["given_name"] for row in segments.preview(snapshot, segment, (), 999)}
            held = {
                each
                for each in IN_VALUES
                if attack == each or (test == "contains" and attack.lower() in each.lower())
            }
            assert matched == held
            assert time.process_time() - began <= SECONDS
        assert len(snapshot.rows("SELECT 1 FROM c360.customer_360")) == len(IN_VALUES) + 1


@pytest.mark.parametrize(
    "attack", ["<script>alert(1)</script>", "<img src=x onerror=y>", "a\r\nBcc: b@example.com"]
)
def test_a_hostile_name_stays_a_name_on_every_channel(attack: str) -> None:
    text = sms("Hi {{ given_name }}", given_name=attack)
    assert "\r" not in text.body
    rendered = mail("<p>Hi {{ given_name }}</p>", "Hi {{ given_name }}", given_name=attack)
    assert rendered.html is not None
    assert rendered.subject is not None
    assert "<" not in rendered.html.removeprefix("<p>").removesuffix("</p>")
    assert len(rendered.subject.splitlines()) == 1


@pytest.mark.parametrize("attack", [each for each in IN_VALUES if len(each) <= 200])
def test_a_customer_who_is_called_like_an_attack_is_greeted_or_not_and_never_obeyed(
    attack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAPPORT_CANARY", CANARY)
    for make in (sms, lambda body, **facts: mail(f"<p>{body}</p>", "Hi", **facts)):
        text = said(lambda make=make: make("Hi {{ given_name | default('you') }}", given_name=attack))
        assert text
        assert CANARY not in text
