"""Domains in more than one script are one domain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.identity.domains import ascii_domain


@pytest.mark.parametrize(
    ("domain", "known_as"),
    [
        ("bücher.example", "xn--bcher-kva.example"),
        ("bu\u0308cher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("bücher。example", "xn--bcher-kva.example"),
        ("\uff45xample.com", "example.com"),  # an e of full width
        ("faß.example", "xn--fa-hia.example"),
        ("президент.рф", "xn--d1abbgf6aiiy.xn--p1ai"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_a_domain_is_named_as_the_name_servers_know_it(domain: str, known_as: str) -> None:
    assert ascii_domain(domain) == known_as


@pytest.mark.parametrize("domain", ["☃.example", "a..ü", "-ü-.example", "ü" * 64 + ".example"])
def test_what_cannot_be_registered_stays_as_it_is(domain: str) -> None:
    assert ascii_domain(domain) == domain


@given(st.text(max_size=20))
def test_naming_twice_is_naming_once(domain: str) -> None:
    assert ascii_domain(ascii_domain(domain)) == ascii_domain(domain)
