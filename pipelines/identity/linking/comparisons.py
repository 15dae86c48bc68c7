"""How two profiles are compared: the levels of agreement of each attribute, from equal to different.

One declaration serves three readers: Splink estimates and sums the weights, the merging rule reads what
agrees, and a person reads the labels. Levels are tried in order; the first that holds counts. A level has the
frequency of its value taken into account where it says so: two Smiths prove less than two Szczepaniaks
(term-frequency adjustment, Splink's; Winkler 2000).
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any


class Agreement(IntEnum):
    """What a level says to the merging rule; Splink's weights say how much it is worth."""

    UNKNOWN = 0  # one side says nothing
    DIFFERENT = 1
    WEAK = 2  # looks alike, and may well be somebody else's
    ROUGH = 3  # the same but for a slip of the pen, a short form, a swap
    EXACT = 4


@dataclass(frozen=True)
class Level:
    """One level: its words, the SQL over columns `_l` and `_r` that it holds on, and what it says."""

    label: str
    condition: str
    agreement: Agreement
    frequency_of: str | None = None

    def to_splink(self) -> dict[str, Any]:
        """Give the level as Splink's settings write it."""
        level: dict[str, Any] = {"sql_condition": self.condition, "label_for_charts": self.label}
        if self.agreement is Agreement.UNKNOWN:
            level["is_null_level"] = True
        if self.frequency_of:
            level["tf_adjustment_column"] = self.frequency_of
            level["tf_minimum_u_value"] = 0.0001
        return level


UNHEARD = Level("not compared", "", Agreement.UNKNOWN)


@dataclass(frozen=True)
class Comparison:
    """One attribute: the column that shows it, and its levels, the unknown one first, the rest last."""

    name: str
    shown: str
    levels: tuple[Level, ...]

    @property
    def known_levels(self) -> tuple[Level, ...]:
        """Give the levels that carry a weight, the best agreement first."""
        return tuple(level for level in self.levels if level.agreement is not Agreement.UNKNOWN)

    def level_of(self, value: int) -> Level:
        """Give the level for Splink's comparison value: -1 is unknown, 0 the last level, and so upwards."""
        return self.levels[0] if value < 0 else self.known_levels[len(self.known_levels) - 1 - value]

    def to_splink(self) -> dict[str, Any]:
        """Give the comparison as Splink's settings write it."""
        return {
            "output_column_name": self.name,
            "comparison_levels": [level.to_splink() for level in self.levels],
        }


def _unknown(*columns: str) -> Level:
    condition = " OR ".join(f"{column}_l IS NULL OR {column}_r IS NULL" for column in columns)
    return Level("not known on both sides", condition, Agreement.UNKNOWN)


def _else(label: str = "different") -> Level:
    return Level(label, "ELSE", Agreement.DIFFERENT)


def _one_letter_off(column: str) -> str:
    """Say that texts are one insertion, deletion, replacement or transposition apart.

    Whatever the one mistake is, the first or the last letter stands: asking that first spares the distance
    itself for nine pairs of ten.
    """
    return (
        f"(abs(length({column}_l) - length({column}_r)) <= 1"
        f" AND least(length({column}_l), length({column}_r)) >= 4"
        f" AND (left({column}_l, 1) = left({column}_r, 1) OR right({column}_l, 1) = right({column}_r, 1))"
        f" AND damerau_levenshtein({column}_l, {column}_r) <= 1)"
    )


def _alike(column: str, above: float) -> str:
    """Say that texts begin alike (or go on alike) and have a high Jaro-Winkler similarity."""
    return (
        f"((left({column}_l, 1) = left({column}_r, 1) OR {column}_l[2:4] = {column}_r[2:4])"
        f" AND jaro_winkler_similarity({column}_l, {column}_r) >= {above})"
    )


_SWAPPED = "given_name_l = family_name_r AND family_name_l = given_name_r AND given_name_l <> family_name_l"
# Names shorter than four letters differ by a letter as different names do (Ann, Ian).
# Hayden and Jayden are one letter apart and two people: a slip is rare beside the name that was meant. Where
# both spellings are borne by several people, and the rarer by a twentieth of the commoner's, both are names.
_TWO_NAMES = (
    "(least(given_bearers_l, given_bearers_r) >= 3"
    " AND 20 * least(given_bearers_l, given_bearers_r) >= greatest(given_bearers_l, given_bearers_r))"
)

SWAPPED = Level("given and family name swapped", _SWAPPED, Agreement.ROUGH)
GIVEN_NAME = Comparison(
    "given_name",
    "given_name",
    (
        _unknown("given_name"),
        SWAPPED,
        Level("exact match", "given_name_l = given_name_r", Agreement.EXACT, "given_name"),
        Level(
            "short form of one name",
            "given_shortened_l AND given_shortened_r AND list_has_any(given_forms_l, given_forms_r)",
            Agreement.ROUGH,
        ),
        Level(
            "one is a part of the other",
            "length(given_name_l) > 1 AND length(given_name_r) > 1 AND (starts_with(given_name_l,"
            " given_name_r || ' ') OR starts_with(given_name_r, given_name_l || ' '))",
            Agreement.ROUGH,
        ),
        Level(
            "a slip of the pen",
            f"({_one_letter_off('given_name')} OR {_alike('given_name', 0.92)}) AND NOT {_TWO_NAMES}",
            Agreement.ROUGH,
        ),
        Level(
            "alike, or an initial",
            f"{_alike('given_name', 0.8)} OR (least(length(given_name_l), length(given_name_r)) = 1"
            " AND left(given_name_l, 1) = left(given_name_r, 1))",
            Agreement.WEAK,
        ),
        _else(),
    ),
)

# Swapped names are weighed once, under the given name.
FAMILY_NAME = Comparison(
    "family_name",
    "family_name",
    (
        Level(
            "not known on both sides, or swapped",
            f"family_name_l IS NULL OR family_name_r IS NULL OR ({_SWAPPED})",
            Agreement.UNKNOWN,
        ),
        Level("exact match", "family_name_l = family_name_r", Agreement.EXACT, "family_name"),
        Level(
            "a slip of the pen",
            f"{_one_letter_off('family_name')} OR {_alike('family_name', 0.92)}",
            Agreement.ROUGH,
        ),
        Level(
            "a part in common",
            "(family_compound_l OR family_compound_r) AND list_has_any(family_parts_l, family_parts_r)",
            Agreement.ROUGH,
        ),
        Level("alike", _alike("family_name", 0.8), Agreement.WEAK),
        _else(),
    ),
)

_YEARS_APART = "abs(left(birth_date_l, 4)::INTEGER - left(birth_date_r, 4)::INTEGER)"
_DAY_AND_MONTH_SWAPPED = (
    "left(birth_date_l, 4) = left(birth_date_r, 4) AND birth_date_l[6:7] = birth_date_r[9:10]"
    " AND birth_date_l[9:10] = birth_date_r[6:7]"
)

# A father and his son may share a name, a home and, by one digit of the year, a birthday: a slip that moves
# a birth by ten years or more is no slip.
BIRTH_DATE = Comparison(
    "birth_date",
    "birth_date",
    (
        _unknown("birth_date"),
        Level("exact match", "birth_date_l = birth_date_r", Agreement.EXACT, "birth_date"),
        Level("day and month swapped", _DAY_AND_MONTH_SWAPPED, Agreement.ROUGH),
        Level(
            "a slip of the pen",
            "hamming(birth_date_l, birth_date_r) <= 2"
            f" AND damerau_levenshtein(birth_date_l, birth_date_r) = 1 AND {_YEARS_APART} < 10",
            Agreement.ROUGH,
        ),
        Level("two digits off", "hamming(birth_date_l, birth_date_r) = 2", Agreement.DIFFERENT),
        _else(),
    ),
)

STREET = Comparison(
    "street",
    "street_line",
    (
        Level(
            "not known on both sides",
            "(street_l IS NULL OR street_r IS NULL) AND (house_l IS NULL OR house_r IS NULL)",
            Agreement.UNKNOWN,
        ),
        Level("same house", "street_line_l = street_line_r", Agreement.EXACT, "street_line"),
        Level(
            "same house number, street alike",
            f"house_l = house_r AND {_alike('street', 0.9)}",
            Agreement.ROUGH,
        ),
        Level("same street", "street_l = street_r", Agreement.WEAK, "street"),
        Level("streets alike", _alike("street", 0.9), Agreement.WEAK),
        Level("same house number", "house_l = house_r", Agreement.DIFFERENT, "house"),
        _else(),
    ),
)

POSTCODE = Comparison(
    "postcode",
    "postcode",
    (
        _unknown("postcode"),
        Level("exact match", "postcode_l = postcode_r", Agreement.EXACT, "postcode"),
        Level("a slip of the pen", _one_letter_off("postcode"), Agreement.ROUGH),
        _else(),
    ),
)

# The city follows from the postcode, so it is evidence only where postcodes are not the same.
CITY = Comparison(
    "city",
    "city",
    (
        Level(
            "not known on both sides, or told by the postcode",
            "city_l IS NULL OR city_r IS NULL OR postcode_l = postcode_r",
            Agreement.UNKNOWN,
        ),
        Level("exact match", "city_l = city_r", Agreement.EXACT, "city"),
        Level("a slip of the pen", _alike("city", 0.92), Agreement.ROUGH),
        _else(),
    ),
)

# anna1 and anna2 are two people's, so digits have to be the same. The same mailbox elsewhere is a habit of
# everybody who is called so, unless it says more than a name: a number does.
EMAIL = Comparison(
    "email",
    "email",
    (
        _unknown("email"),
        Level("exact match", "email_l = email_r", Agreement.EXACT),
        Level(
            "a slip of the pen",
            "email_digits_l = email_digits_r AND least(length(mailbox_l), length(mailbox_r)) >= 6"
            f" AND {_one_letter_off('email')}",
            Agreement.ROUGH,
        ),
        Level(
            "same mailbox with a number in it",
            "mailbox_l = mailbox_r AND length(email_digits_l) >= 2 AND length(mailbox_l) >= 6",
            Agreement.ROUGH,
        ),
        Level(
            "mailboxes alike",
            f"mailbox_l = mailbox_r OR {_alike('mailbox', 0.92)}",
            Agreement.WEAK,
        ),
        _else(),
    ),
)

PHONE = Comparison(
    "phone",
    "phone",
    (
        _unknown("phone"),
        Level("exact match", "phone_l = phone_r", Agreement.EXACT),
        Level("a slip of the pen", _one_letter_off("phone"), Agreement.ROUGH),
        _else(),
    ),
)

# Only where people type it by hand; else two accounts of one source are two accounts.
EXTERNAL_ID = Comparison(
    "external_id",
    "external_id",
    (
        Level(
            "not known on both sides in one source",
            "external_id_l IS NULL OR external_id_r IS NULL OR external_source_l <> external_source_r",
            Agreement.UNKNOWN,
        ),
        Level("exact match", "external_id_l = external_id_r", Agreement.EXACT),
        Level("a slip of the pen", _one_letter_off("external_number"), Agreement.ROUGH),
        _else(),
    ),
)

COMPARISONS = (GIVEN_NAME, FAMILY_NAME, BIRTH_DATE, STREET, POSTCODE, CITY, EMAIL, PHONE, EXTERNAL_ID)
NAMED = {comparison.name: comparison for comparison in COMPARISONS}


def chosen(names: tuple[str, ...]) -> tuple[Comparison, ...]:
    """Give the comparisons of these names, in the order in which they are declared."""
    return tuple(comparison for comparison in COMPARISONS if comparison.name in names)
