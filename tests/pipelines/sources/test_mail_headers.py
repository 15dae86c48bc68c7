"""Addresses, message ids and moments, as programs write them."""

from datetime import datetime

import pytest

from pipelines.sources.mail_headers import Address, addresses, delivered_to, ids, moment, split_name
from pipelines.sources.mime import Part, parse_mail

ANN = Address("Ann Lee", "ann@example.com")


def mail(*headers: str) -> Part:
    return parse_mail("\n".join((*headers, "", "")).encode())


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Ann Lee <Ann@Example.com>", [ANN]),
        ('"Lee, Ann" <ann@example.com>', [Address("Lee, Ann", "ann@example.com")]),
        ("ann@example.com", [Address("", "ann@example.com")]),
        ("<ann@example.com>", [Address("", "ann@example.com")]),
        ("ann@example.com (Ann Lee)", [ANN]),
        ("=?utf-8?q?Ann=2C_Lee?= <ann@example.com>", [Address("Ann, Lee", "ann@example.com")]),
        ("=?utf-8?q?Ann_Lee_=3Cann=40example=2Ecom=3E?=", [ANN]),
        ("Ann Lee <ann@example.com>, bo@example.com", [ANN, Address("", "bo@example.com")]),
        ("Friends: Ann Lee <ann@example.com>, bo@example.com;", [ANN, Address("", "bo@example.com")]),
        ("Lee, Ann <ann@example.com>", [Address("Ann", "ann@example.com")]),
        ('"Ann \\"A\\" Lee" <ann@example.com>', [Address('Ann "A" Lee', "ann@example.com")]),
        ("undisclosed-recipients:;", []),
        ("Ann Lee", []),
        ("", []),
    ],
)
def test_addresses(header: str, expected: list[Address]) -> None:
    assert addresses(mail(f"From: {header}"), "from") == expected


def test_the_readers_of_several_headers_come_in_their_order() -> None:
    part = mail("Cc: c@x", "To: a@x", "To: b@x")
    assert [found.address for found in addresses(part, "to", "cc")] == ["a@x", "b@x", "c@x"]


@pytest.mark.parametrize(
    "header",
    [
        "Delivered-To: help@shop.example.com",
        "X-Original-To: <help@shop.example.com>",
        "Received: from a by b for <Help@shop.example.com>; Thu, 29 Oct 2026 12:00:00 +0000",
    ],
)
def test_a_blind_copy_names_its_mailbox_elsewhere(header: str) -> None:
    assert delivered_to(mail(header)) == "help@shop.example.com"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("<a@x> <b@x>", ["a@x", "b@x"]),
        ("<a@x>\r\n\t<b@x>", ["a@x", "b@x"]),
        ("a@x", ["a@x"]),
        ("<a @x>", ["a@x"]),
        ("Your message of Monday", []),
        ("Your message <a@x> of Monday", ["a@x"]),
        ("<>", []),
    ],
)
def test_message_ids(header: str, expected: list[str]) -> None:
    assert ids(mail(f"References: {header}"), "references") == expected


RECEIVED = "Received: from a by b; Thu, 29 Oct 2026 12:00:00 +0000"
NOON = datetime.fromisoformat("2026-10-29T12:00")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (("Date: Thu, 29 Oct 2026 14:00:00 +0200",), NOON),
        (("Date: 29 Oct 26 12:00 GMT (noon)",), NOON),
        (("Date: Thu, 29 Oct 2026 12:00:00",), NOON),
        (("Date: Thu, 22 Oct 2026 12:00:00 +0000", RECEIVED), datetime.fromisoformat("2026-10-22T12:00")),
        (("Date: Mon, 01 Jan 1900 00:00:00 +0000", RECEIVED), NOON),
        (("Date: Fri, 31 Dec 9999 23:59:59 -0800", RECEIVED), NOON),
        (("Date: Sun, 29 Oct 2062 12:00:00 +0000", RECEIVED), NOON),
        (("Date: soon", RECEIVED), NOON),
        ((RECEIVED,), NOON),
        (("Date: soon",), "soon"),
        (("Date: Sat, 30 Feb 2026 12:00:00 +0000",), "Sat, 30 Feb 2026 12:00:00 +0000"),
        ((), None),
    ],
)
def test_a_mail_was_written_at_its_date_unless_that_is_absurd(
    headers: tuple[str, ...], expected: datetime | str | None
) -> None:
    assert moment(mail(*headers)) == expected


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ("Ann Lee", ("Ann", "Lee")),
        ("Lee, Ann", ("Ann", "Lee")),
        ("Ann", ("Ann", "")),
        ("ann@x", ("", "")),
        ("", ("", "")),
    ],
)
def test_names(shown: str, expected: tuple[str, str]) -> None:
    assert split_name(shown) == expected
