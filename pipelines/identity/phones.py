"""What the numbering plans say of phone numbers: asked once per new number, remembered in state.duckdb.

The warehouse makes E.164 of what people write, in SQL (0.8 us a row), which says nothing about whether such a
number can exist. Google's libphonenumber knows, at 50 us a number (measured 2026-11-22): as much as the whole
rest of the identity step, were it asked in every build. So only numbers that are new are asked about, and
those that were not valid are asked about again when the library has learned new plans.

A number that is in no record any more is forgotten with it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType, ValidationResult

if TYPE_CHECKING:
    import duckdb

KINDS = {
    PhoneNumberType.FIXED_LINE: "fixed_line",
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_line_or_mobile",
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.PREMIUM_RATE: "premium",
    PhoneNumberType.SHARED_COST: "shared_cost",
    PhoneNumberType.VOIP: "voip",
    PhoneNumberType.PERSONAL_NUMBER: "personal",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.UAN: "company",  # a number that a company has for all its offices
    PhoneNumberType.VOICEMAIL: "voicemail",
}
# Numbers that firms publish, and the access number of a voice box: who has one has it in common with others.
NOT_PERSONAL = ("toll_free", "premium", "shared_cost", "company", "voicemail")


@dataclass(frozen=True)
class Verdict:
    """What the plans say of one E.164 number.

    `canonical` is the number as it is dialled today, where a valid one has an older spelling (Argentina's 15
    for mobiles), else the number itself. `validity`: valid (given out, by the plans), possible (of the right
    length), impossible. `kind` is `unknown` unless it is valid; `country` an ISO code, None where shared.
    """

    phone: str
    canonical: str
    validity: str
    kind: str
    country: str | None


def check_phone(phone: str) -> Verdict:
    """Ask libphonenumber about one E.164 number.

    A number that lacks its area code is impossible: it is somebody else's in the next town. What cannot be
    parsed is impossible too.
    """
    try:
        number = phonenumbers.parse(phone)
    except NumberParseException:
        return Verdict(phone, phone, "impossible", "unknown", None)
    country = phonenumbers.region_code_for_number(number)
    # the type is unknown exactly where is_valid_number says no, which would ask the same again
    kind = KINDS.get(phonenumbers.number_type(number))
    if kind is not None:
        canonical = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        return Verdict(phone, canonical, "valid", kind, country)
    possible = phonenumbers.is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE
    return Verdict(phone, phone, "possible" if possible else "impossible", "unknown", country)


# An extension is no part of what is dialled: +442079460000;ext=12 asks about +442079460000.
_SEEN = """
    CREATE OR REPLACE TEMP TABLE phones_seen AS
    SELECT DISTINCT split_part(match_key, ';', 1) AS phone
    FROM intermediate.int_identity__identifiers
    WHERE identifier_type = 'phone'
"""

_FORGET = """
    DELETE FROM state.phones
    WHERE phone NOT IN (SELECT phone FROM phones_seen) OR (validity <> 'valid' AND checked_with <> ?)
"""

_NEW = "SELECT phone FROM phones_seen WHERE phone NOT IN (SELECT phone FROM state.phones) ORDER BY phone"

_REMEMBER = "INSERT INTO state.phones SELECT unnest(?), unnest(?), unnest(?), unnest(?), unnest(?), ?"

_PUBLISH = """
    CREATE OR REPLACE TABLE identity.identity_phones AS
    SELECT phone, canonical, validity, kind, country, checked_with FROM state.phones ORDER BY phone
"""

BATCH = 50_000  # numbers in memory at a time


def check_new_phones(connection: "duckdb.DuckDBPyConnection") -> int:
    """Make `identity.identity_phones`, a row a distinct number in int_identity__identifiers; count the new.

    `connection` is the warehouse with state.duckdb attached as `state`. Each batch is remembered as it is
    done, so a build that dies in the middle has not worked in vain.
    """
    connection.execute(_SEEN)
    connection.execute(_FORGET, [phonenumbers.__version__])
    new = [str(phone) for (phone,) in connection.execute(_NEW).fetchall()]
    for batch in _batches(new):
        columns = [
            list(column) for column in zip(*(astuple(check_phone(phone)) for phone in batch), strict=True)
        ]
        connection.execute(_REMEMBER, [*columns, phonenumbers.__version__])
    connection.execute("CREATE SCHEMA IF NOT EXISTS identity")
    connection.execute(_PUBLISH)
    return len(new)


def _batches(phones: list[str]) -> Iterator[Iterable[str]]:
    for start in range(0, len(phones), BATCH):
        yield phones[start : start + BATCH]
