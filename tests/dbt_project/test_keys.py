"""From what people write to who is whom: the two halves of the making of keys, in one build."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Company

# Each line is somebody, or two lines with one name are: (name, what the record carries).
PEOPLE = [
    ("Ann", {"email": "ann.lee+shop@gmail.example.com"}),
    ("Ann", {"email": "ANNLEE@gmail.example.com"}),
    ("Bea", {"email": "bea@bücher.example"}),
    ("Bea", {"email": "bea@xn--bcher-kva.example", "phone": "0044 7700 900002"}),
    ("Bea", {"phone": "+44 (0)7700 900-002"}),
    ("Carl", {"phone": "020 7946 0000 ext. 12"}),
    ("Carl", {"phone": "+44 20 7946 0000 x12"}),
    ("Dora", {"phone": "020 7946 0000 ext. 13"}),
    ("the switchboard", {"phone": "020 7946 0000"}),
    ("Emil", {"email": "info@emil.example", "external_id": "5", "given_name": "Emil"}),
    ("Emil", {"email": "info@emil.example", "given_name": "Emil"}),
    ("Fay", {"email": "sales@mill.example", "external_id": "6"}),
    ("Gus", {"email": "sales@mill.example", "external_id": "7"}),
    ("Hal", {"external_id": "8", "phone": "0800 123 4567"}),
    ("Ida", {"external_id": "9", "phone": "0800 123 4567"}),
    ("Jan", {"external_id": "10", "phone": "07700 900010 / 07700 900011"}),
    ("Kim", {"external_id": "11", "phone": "07700 900010 / 07700 900011"}),
    ("Lou", {"external_id": "12", "handle": "Lou F."}),  # as it stands under a review: many are called so
    ("Another Lou", {"external_id": "13", "handle": "lou f."}),
    ("Mo", {"external_id": "14", "handle": "@mo_f"}),
    ("Mo", {"handle": "mo_f"}),
]
NOBODY = [
    {"phone": "60777"},
    {"phone": "1-800-FLOWERS", "country": "US"},
    {"email": "mailer-daemon@mx.example"},
]


@pytest.fixture(scope="module")
def company(found_company: Callable[[str], "Company"]) -> "Company":
    company = found_company("keys")
    records = [*(record for _, record in PEOPLE), *NOBODY]
    rows = [
        {"source": "shop", "source_record_id": f"contact/{n}", "occurred_at": "2026-01-01", **record}
        for n, record in enumerate(records)
    ]
    company.land({"contacts": rows})
    company.build("2026-10-30 12:00:00")
    return company


def test_records_of_one_person_meet_by_their_keys_and_no_others_do(company: "Company") -> None:
    found = company.rows("SELECT source_record_id, customer_id FROM identity.identity_map")
    customers = {row["source_record_id"]: row["customer_id"] for row in found}
    names = {f"contact/{n}": name for n, (name, _) in enumerate(PEOPLE)}
    assert customers.keys() == names.keys(), "who carries nothing that counts is nobody"
    pairs = {(names[record], customer) for record, customer in customers.items()}
    assert len(pairs) == len({name for name, _ in pairs}) == len({customer for _, customer in pairs})


def test_a_number_behind_a_switchboard_is_kept_as_it_is_dialled(company: "Company") -> None:
    found = company.rows("SELECT DISTINCT phone FROM marts.customer_360 WHERE phone LIKE '+44207%'")
    assert found == [{"phone": "+442079460000"}]
