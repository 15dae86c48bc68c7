"""Addresses: one normal form or none, and a hash that is lost with its pepper."""

import random
import stat
from collections import Counter
from contextlib import suppress
from functools import cache
from typing import Any

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import settings as settings_of_draws
from hypothesis import strategies as st

from data_contracts.errors import StoreError
from messaging.addresses import (
    PEPPER_FILE,
    Addresses,
    country_of,
    known_addresses,
    normalise_email,
    normalise_phone,
    parsed_number,
    read_addresses,
    told_by,
)
from messaging.settings import Settings
from messaging.store import Store


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("Ada@Example.COM", "ada@example.com"),
        ("  ada@example.com\t", "ada@example.com"),
        ("ada+shop@example.co.uk", "ada+shop@example.co.uk"),
        ("jürgen@example.com", None),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
        ("o'neil@example.com", "o'neil@example.com"),
        ("ada@localhost", None),
        ("ada@example..com", None),
        (".ada@example.com", None),
        ("a..da@example.com", None),
        ("ada@-example.com", None),
        ("ada@[127.0.0.1]", None),
        ("ada", None),
        ("@example.com", None),
        ("", None),
        ("ada@example.com, eve@example.com", None),
        ('"Ada" <ada@example.com>', None),
        ("ada@example.com\r\nBcc: eve@example.com", None),
        ("ada@example.com\u2028", None),
        ("ada@eve@example.com", None),
        ("a" * 65 + "@example.com", None),
        ("ada@" + "a" * 64 + ".com", None),
    ],
)
def test_an_email_address_has_one_normal_form_or_none(text: str, normal: str | None) -> None:
    assert normalise_email(text) == normal


@pytest.mark.parametrize(
    ("text", "region", "normal"),
    [
        ("+44 20 7946 0000", None, "+442079460000"),
        ("020 7946 0000", "GB", "+442079460000"),
        ("020 7946 0000", None, None),
        ("(212) 555-0123", "US", "+12125550123"),
        ("0044 20 7946 0000", "GB", "+442079460000"),
        ("11111111111111", "US", None),
        ("+1 555", None, None),
        ("not a number", "GB", None),
        ("", "GB", None),
        ("9" * 400, "GB", None),
    ],
)
def test_a_phone_number_has_one_normal_form_or_none(
    text: str, region: str | None, normal: str | None
) -> None:
    assert normalise_phone(text, region) == normal


@given(text=st.text(max_size=60) | st.emails())
def test_normalising_an_email_address_twice_changes_nothing(text: str) -> None:
    normal = normalise_email(text)
    assert normal is None or normalise_email(normal) == normal


@given(text=st.text("0123456789+()- ", max_size=20), region=st.sampled_from(["GB", "US", "DE", None]))
def test_normalising_a_phone_number_twice_changes_nothing(text: str, region: str | None) -> None:
    normal = normalise_phone(text, region)
    assert normal is None or normalise_phone(normal, region) == normal


@cache
def _examples() -> list[str]:
    """List a number of every kind in every country."""
    found = [
        phonenumbers.example_number_for_type(region, kind)
        for region in sorted(phonenumbers.SUPPORTED_REGIONS)
        for kind in phonenumbers.PhoneNumberType.values()
    ]
    found += map(
        phonenumbers.example_number_for_non_geo_entity, phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS
    )
    form = phonenumbers.PhoneNumberFormat.E164
    return sorted({phonenumbers.format_number(each, form) for each in found if each is not None})


@settings_of_draws(max_examples=400, deadline=None)
@given(drawn=st.data())
def test_a_number_that_is_written_in_its_normal_form_is_judged_as_any_other(drawn: st.DataObject) -> None:
    text = drawn.draw(st.sampled_from(_examples()))
    for _ in range(drawn.draw(st.integers(0, 4))):
        place = drawn.draw(st.integers(1, len(text)))
        text = (
            text[:place]
            + drawn.draw(st.sampled_from("0123456789"))
            + text[place + drawn.draw(st.integers(0, 2)) :]
        )
    normal = None
    with suppress(phonenumbers.NumberParseException):
        if phonenumbers.is_valid_number(number := phonenumbers.parse(text)):
            normal = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    assert normalise_phone(text) == normal


def test_a_hash_is_keyed_and_stays_the_same(settings: Settings, store: Store, addresses: Addresses) -> None:
    hashed = addresses.hash("+442079460000")
    assert read_addresses(settings, store).hash("+442079460000") == hashed
    assert Addresses(b"another pepper").hash("+442079460000") != hashed
    assert repr(addresses) == "Addresses()"


def test_only_its_owner_may_read_the_pepper(settings: Settings, addresses: Addresses) -> None:
    path = settings.secrets_dir / PEPPER_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.secrets_dir.stat().st_mode) == 0o700


def test_a_lost_pepper_refuses_to_start_rather_than_forget_who_opted_out(
    settings: Settings, store: Store, outbox_of: Any
) -> None:
    outbox_of.put()
    (settings.secrets_dir / PEPPER_FILE).unlink()
    with pytest.raises(StoreError, match=r"is lost, but the store holds hashes.*Restore the file"):
        read_addresses(settings, store)
    assert not (settings.secrets_dir / PEPPER_FILE).exists()


def test_another_pepper_refuses_to_start_rather_than_forget_who_opted_out(
    settings: Settings, store: Store, outbox_of: Any
) -> None:
    outbox_of.put()
    path = settings.secrets_dir / PEPPER_FILE
    ours = path.read_text()
    path.write_text("ab" * 32)
    for look in (read_addresses, known_addresses):
        with pytest.raises(StoreError, match=r"is not the pepper that this store's hashes.*Restore the file"):
            look(settings, store)
    path.write_text(ours)
    assert read_addresses(settings, store) == known_addresses(settings, store)


def test_another_pepper_of_a_store_without_hashes_becomes_its_own(
    settings: Settings, store: Store, addresses: Addresses, outbox_of: Any
) -> None:
    path = settings.secrets_dir / PEPPER_FILE
    ours = path.read_text()
    path.write_text("ab" * 32)
    assert read_addresses(settings, store) != addresses
    outbox_of.put()
    path.write_text(ours)
    with pytest.raises(StoreError, match="is not the pepper"):
        read_addresses(settings, store)


def test_to_look_for_the_pepper_makes_none(settings: Settings, store: Store) -> None:
    assert known_addresses(settings, store) is None
    assert not settings.secrets_dir.exists()


def test_a_lost_pepper_of_an_empty_store_is_made_again(
    settings: Settings, store: Store, addresses: Addresses
) -> None:
    (settings.secrets_dir / PEPPER_FILE).unlink()
    assert read_addresses(settings, store) != addresses


@pytest.mark.parametrize("content", ["", "zz", "ab" * 31])
def test_a_pepper_that_is_not_whole_is_refused(
    settings: Settings, store: Store, addresses: Addresses, content: str
) -> None:
    (settings.secrets_dir / PEPPER_FILE).write_text(content)
    with pytest.raises(StoreError, match=r"is no whole key. Restore it"):
        read_addresses(settings, store)


def test_a_pepper_that_others_may_read_is_refused_with_the_mend(
    settings: Settings, store: Store, addresses: Addresses
) -> None:
    path = settings.secrets_dir / PEPPER_FILE
    path.chmod(0o644)
    with pytest.raises(StoreError, match=r"may be read by other users \(mode 644\). Run `chmod 600"):
        read_addresses(settings, store)


def test_an_area_code_of_the_united_states_or_canada_tells_what_each_of_its_numbers_tells() -> None:
    chance = random.Random(1)
    seen = Counter()
    for code in range(200, 1000):
        for _ in range(20):
            address = f"+1{code}{chance.randrange(2_000_000, 10_000_000)}"
            number = phonenumbers.parse(address)
            assert parsed_number(address) == number
            if phonenumbers.is_valid_number(number):  # no other is ever an address
                country = phonenumbers.region_code_for_number(number)
                assert told_by(address) == (country, phonenumbers.number_type(number)), address
                seen[country] += 1
    assert seen["US"] > 5_000
    assert seen["CA"] > 500


@pytest.mark.parametrize(
    ("address", "country"),
    [
        ("+442079460000", "GB"),
        ("+18765550123", "JM"),
        ("+80012345678", None),
        ("+1212", None),
        ("ada", None),
        ("", None),
    ],
)
def test_other_numbers_are_asked_one_by_one(address: str, country: str | None) -> None:
    assert told_by(address).country == country_of(address) == country
