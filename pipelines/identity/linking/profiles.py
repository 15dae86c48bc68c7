"""From records to profiles: the few ways in which a person appears, cleaned for comparison.

A person with 500 order lines is a few profiles: one for each spelling of the name and each address. What a
profile does not say itself, its person says elsewhere: the birth date of the account is filled in beside the
address of the order. All of it is SQL, so a person with ten million records costs a GROUP BY and no more.
"""

from typing import TYPE_CHECKING

from pipelines.identity.evidence import ALL_RECORDS
from pipelines.warehouse.parts import count_rows, parts_of, write_by_parts

if TYPE_CHECKING:
    import duckdb

# A person who appears in more ways than this is compared by the commonest; placeholders and test accounts
# appear in thousands.
MOST_PROFILES = 8

# What a record takes while it is cleaned, for what it says, what it carries and whose it is are grouped at once: 20M
# records in 1.8 GB fail in one part, and pass in 14 (2026-11-23).
CLEANED_BYTES = 1200

# Cleaning, one macro a kind of text. Letters of every script count; what is neither letter nor digit
# separates words, but for apostrophes, which people leave out (O'Brien, OBrien).
_MACROS = r"""
    CREATE OR REPLACE TEMP MACRO linking_plain(text) AS
        strip_accents(replace(replace(replace(replace(lower(trim(text)), 'ß', 'ss'), 'ø', 'o'), 'æ', 'ae'),
            'ł', 'l'));
    CREATE OR REPLACE TEMP MACRO linking_words(text) AS
        nullif(trim(regexp_replace(
            regexp_replace(linking_plain(text), '[''\x{2019}`\x{B4}.]', '', 'g'), '[^\pL\pN]+', ' ', 'g')), '');
    CREATE OR REPLACE TEMP MACRO linking_name(text) AS
        nullif(trim(regexp_replace(linking_words(text), '[\pN]+', '', 'g')), '');
    CREATE OR REPLACE TEMP MACRO linking_house(text) AS
        nullif(regexp_extract(linking_words(text), '(?:^|[^\pN])(\pN+ ?[a-z]?)(?:$| )', 1), '');
    CREATE OR REPLACE TEMP MACRO linking_street(text) AS
        nullif(trim(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
            regexp_replace(regexp_replace(
                linking_words(text), '(^|[^\pN])\pN+ ?[a-z]?($| )', '\1 ', 'g'),
                '\bstreet\b', 'st', 'g'), '\broad\b', 'rd', 'g'), '\bavenue\b', 'ave', 'g'),
                '\blane\b', 'ln', 'g'), '(strasse|\bstr)\b', 'str', 'g'), ' +', ' ', 'g')), '');
    CREATE OR REPLACE TEMP MACRO linking_code(text) AS
        nullif(regexp_replace(upper(text), '[^A-Z0-9]', '', 'g'), '');
"""

_NICKNAMES = """
    CREATE OR REPLACE TEMP TABLE linking_nicknames AS
    SELECT short AS given_name, list(DISTINCT formal ORDER BY formal) AS formal_names
    FROM (SELECT unnest(?::VARCHAR[]) AS formal, unnest(?::VARCHAR[]) AS short)
    GROUP BY short
"""

# A person is named by the least of the records, which is the same in the next build while the records are.
_PERSONS = """
    CREATE OR REPLACE TEMP TABLE linking_persons AS
    SELECT component, min(hash(source || chr(31) || source_record_id)) AS person FROM resolved GROUP BY component
"""

# One row a record of a person, cleaned. A record's identifiers are those that nothing refused.
_CLEANED = """
    WITH identifiers AS (
        SELECT
            found.source, found.source_record_id,
            max(found.match_key) FILTER (WHERE found.identifier_type = 'email') AS email,
            max(found.match_key) FILTER (WHERE found.identifier_type = 'phone') AS phone,
            max(found.match_key) FILTER (WHERE found.identifier_type = 'external_id') AS external_id
        FROM query_table($identifiers) AS found
        WHERE found.refused_reason IS NULL
            AND found.identifier_type IN ('email', 'phone', 'external_id')
            AND hash(found.source_record_id) % $parts::UBIGINT = $part
        GROUP BY ALL
    ),
    stated AS (
        SELECT
            source, source_record_id, min(occurred_at) AS occurred_at,
            max(given_name) AS given_name, max(family_name) AS family_name, max(birth_date) AS birth_date,
            max(street) AS street, max(city) AS city, max(postcode) AS postcode
        FROM identity_records
        WHERE hash(source_record_id) % $parts::UBIGINT = $part
        GROUP BY ALL
    ),
    people AS (
        SELECT DISTINCT source, source_record_id, person
        FROM resolved JOIN linking_persons USING (component)
        WHERE hash(source_record_id) % $parts::UBIGINT = $part
    )
    SELECT
        people.person,
        source, source_record_id, stated.occurred_at,
        linking_name(given_name) AS given_name,
        linking_name(family_name) AS family_name,
        strftime(birth_date, '%Y-%m-%d') AS birth_date,
        linking_house(street) AS house,
        linking_street(street) AS street,
        linking_words(city) AS city,
        linking_code(postcode) AS postcode,
        email, phone, external_id
    FROM stated
    JOIN people USING (source, source_record_id)
    LEFT JOIN identifiers USING (source, source_record_id)
    WHERE coalesce(given_name, family_name, street, postcode) IS NOT NULL
        OR coalesce(birth_date::VARCHAR, email, phone, external_id) IS NOT NULL
"""

# Equal appearances are one row, with the record that says most and came first in their name. max_by over
# (how often, which) instead of mode(): of two equally frequent values it always takes the same.
_PROFILES = """
    WITH appearances AS (
        SELECT
            person, given_name, family_name, birth_date, house, street, city, postcode,
            email, phone, external_id,
            count(*) AS records,
            min((
                (CASE WHEN email IS NULL THEN 1 ELSE 0 END), occurred_at, source, source_record_id
            )) AS first_record
        FROM linking_records
        WHERE person % $parts::UBIGINT = $part
        GROUP BY ALL
    ),
    known AS (
        SELECT
            person,
            max_by(birth_date, (records, birth_date)) FILTER (WHERE birth_date IS NOT NULL) AS birth_date,
            max_by((house, street, city, postcode), (records, house, street, city, postcode))
                FILTER (WHERE street IS NOT NULL OR postcode IS NOT NULL) AS home,
            max_by(email, (records, email)) FILTER (WHERE email IS NOT NULL) AS email,
            max_by(phone, (records, phone)) FILTER (WHERE phone IS NOT NULL) AS phone,
            max_by(external_id, (records, external_id)) FILTER (WHERE external_id IS NOT NULL) AS external_id
        FROM appearances
        GROUP BY person
    ),
    filled AS (
        SELECT
            person, given_name, family_name,
            coalesce(seen.birth_date, known.birth_date) AS birth_date,
            CASE
                WHEN seen.street IS NULL AND seen.postcode IS NULL AND known.home IS NOT NULL THEN known.home
                ELSE (seen.house, seen.street, seen.city, seen.postcode)
            END AS home,
            max_by(seen.email, (seen.records, seen.email)) FILTER (WHERE seen.email IS NOT NULL) AS own_email,
            max_by(seen.phone, (seen.records, seen.phone)) FILTER (WHERE seen.phone IS NOT NULL) AS own_phone,
            max_by(seen.external_id, (seen.records, seen.external_id))
                FILTER (WHERE seen.external_id IS NOT NULL) AS own_external_id,
            any_value(known.email) AS known_email,
            any_value(known.phone) AS known_phone,
            any_value(known.external_id) AS known_external_id,
            sum(seen.records) AS records,
            min(seen.first_record) AS first_record
        FROM appearances AS seen
        JOIN known USING (person)
        WHERE given_name IS NOT NULL OR family_name IS NOT NULL
        GROUP BY ALL
    ),
    named AS (
        SELECT
            person,
            first_record[3] AS source, first_record[4] AS source_record_id,
            given_name, family_name, birth_date,
            home[1] AS house, home[2] AS street, home[3] AS city, home[4] AS postcode,
            coalesce(own_email, known_email) AS email,
            coalesce(own_phone, known_phone) AS phone,
            coalesce(own_external_id, known_external_id) AS external_id,
            records
        FROM filled
    ),
    informative AS (
        SELECT *
        FROM named
        WHERE coalesce(birth_date, street, postcode, email, phone, external_id) IS NOT NULL
    ),
    ranked AS (
        SELECT *, row_number() OVER (
            PARTITION BY person ORDER BY records DESC, source, source_record_id, given_name, family_name
        ) AS place
        FROM informative
    )
    SELECT * EXCLUDE (place) FROM ranked WHERE place <= $most
"""

# For training, records as they are: filled profiles agree with themselves. A few a person, one a moment, for
# the lines of one order are one act of writing; whose they are is chosen by hash, so that neither the order
# of the rows nor a clock decides.
_EXAMPLES = """
    CREATE OR REPLACE TEMP TABLE linking_appearances AS
    WITH moments AS (
        SELECT *, row_number() OVER (
            PARTITION BY person, occurred_at, given_name, family_name ORDER BY source, source_record_id
        ) AS line
        FROM linking_records
        WHERE (given_name IS NOT NULL OR family_name IS NOT NULL)
            AND coalesce(birth_date, street, postcode, email, phone, external_id) IS NOT NULL
    ),
    ranked AS (
        SELECT
            *,
            row_number() OVER (
                PARTITION BY person ORDER BY hash(source, source_record_id), source, source_record_id
            ) AS place,
            min(hash(source, source_record_id)) OVER (PARTITION BY person) AS lot
        FROM moments
        WHERE line = 1
    ),
    drawn AS (
        SELECT *, dense_rank() OVER (ORDER BY lot, person) AS drawing FROM ranked WHERE place <= ?
    )
    SELECT * EXCLUDE (line, place, lot, drawing), 1 AS records FROM drawn WHERE drawing <= ?
"""

# What comparisons look at beside the values themselves.
_DERIVED = """
    CREATE OR REPLACE TEMP TABLE linking_profiles AS
    WITH bearers AS (
        SELECT given_name, count(DISTINCT person) AS given_bearers FROM linking_appearances GROUP BY ALL
    )
    SELECT
        row_number() OVER (
            ORDER BY source, source_record_id, given_name, family_name, birth_date, house, street, postcode
        ) AS profile,
        hash(source || chr(31) || source_record_id) AS record,
        person, source, source_record_id,
        given_name,
        list_append(coalesce(formal_names, []), given_name) AS given_forms,
        formal_names IS NOT NULL AS given_shortened,
        given_bearers,
        family_name,
        string_split(family_name, ' ') AS family_parts,
        contains(family_name, ' ') AS family_compound,
        -- Morris I and Morris II, Robert Smith Sr and Jr; told, where it is told, at the end of either name
        regexp_extract(
            replace(replace(concat_ws(' ', family_name, given_name, ''), 'senior ', 'sr '), 'junior ', 'jr '),
            ' (jr|sr|i|ii|iii|iv) ', 1
        ) AS generation,
        birth_date,
        house, street,
        house || ' ' || street AS street_line,
        city, postcode,
        email,
        split_part(email, '@', 1) AS mailbox,
        regexp_replace(email, '[^0-9]', '', 'g') AS email_digits,
        phone,
        external_id,
        split_part(external_id, ':', 1) AS external_source,
        substr(external_id, length(split_part(external_id, ':', 1)) + 2) AS external_number
    FROM linking_appearances
    LEFT JOIN linking_nicknames USING (given_name)
    LEFT JOIN bearers USING (given_name)
"""


def write_profiles(connection: "duckdb.DuckDBPyConnection", identifiers: str) -> int:
    """Write the temporary table `linking_profiles` from `resolved`, the records and `identifiers`.

    The records are those of the view `identity_records` or, without one, all. `identifiers` names a relation with the
    columns of int_identity__identifiers. Gives the number of profiles; a person without a name, or with nothing beside
    it, has none. Leaves `linking_appearances`, what a profile is derived from and nothing of how it compares to others.
    """
    _clean_records(connection, identifiers)
    parts = parts_of(count_rows(connection, "linking_records"))
    write_by_parts(connection, "linking_appearances", _PROFILES, parts, {"most": MOST_PROFILES})
    return derive_profiles(connection)


def write_examples(
    connection: "duckdb.DuckDBPyConnection", identifiers: str, a_person: int, people: int
) -> int:
    """Write `linking_profiles` for training: at most `a_person` records of each of at most `people`."""
    _clean_records(connection, identifiers)
    connection.execute(_EXAMPLES, [a_person, people])
    return derive_profiles(connection)


def _clean_records(connection: "duckdb.DuckDBPyConnection", identifiers: str) -> None:
    connection.execute(ALL_RECORDS)
    connection.execute(_MACROS)
    connection.execute(_NICKNAMES, list(_nicknames()))
    connection.execute(_PERSONS)
    parts = parts_of(count_rows(connection, "resolved"), CLEANED_BYTES)
    write_by_parts(connection, "linking_records", _CLEANED, parts, {"identifiers": identifiers})


def _nicknames() -> tuple[list[str], list[str]]:
    """Give formal names and what each is shortened to, itself included."""
    from nicknames import name_triplets

    pairs = {(each.name1, each.name2) for each in name_triplets() if each.relationship == "has_nickname"}
    pairs |= {(formal, formal) for formal, _ in pairs}
    formal, short = zip(*sorted(pairs), strict=True)
    return list(formal), list(short)


def derive_profiles(connection: "duckdb.DuckDBPyConnection") -> int:
    """Write `linking_profiles` of what is in `linking_appearances`, and count them.

    Profiles are numbered by their records, so that of two the same is first, whichever others there are.
    """
    connection.execute(_DERIVED)
    return int(connection.execute("SELECT count(*) FROM linking_profiles").fetchall()[0][0])
