"""The identifiers that evidence is read from: what dbt prepared, after what only a library can say of it.

dbt compares by rules of spelling. Here numbers that cannot exist or are a company's are refused, older spellings
of a number and of a domain are brought together, and nothing else changes.
"""

from typing import TYPE_CHECKING, Literal

from pipelines.identity.domains import name_domains
from pipelines.identity.phones import NOT_PERSONAL, check_new_phones

if TYPE_CHECKING:
    import duckdb

IDENTIFIERS = "CREATE OR REPLACE TEMP VIEW identifiers AS FROM all_identifiers"

# Nearly every number is as it should be: the others alone are joined to millions of rows.
_ODD_PHONES = """
    CREATE OR REPLACE TEMP TABLE odd_phones AS
    SELECT
        phone,
        canonical,
        CASE
            WHEN validity = 'impossible' OR (validity = 'possible' AND ? = 'valid') THEN 'impossible'
            WHEN list_contains(?, kind) THEN 'not_personal'
        END AS reason
    FROM identity.identity_phones
    WHERE canonical <> phone OR reason IS NOT NULL
"""

_ALL_IDENTIFIERS = """
    CREATE OR REPLACE TEMP VIEW all_identifiers AS
    SELECT
        seen.origin_table, seen.source, seen.source_record_id, seen.occurred_at, seen.identifier_type, seen.value,
        CASE
            WHEN domains.ascii_domain IS NOT NULL
                THEN split_part(seen.match_key, '@', 1) || '@' || domains.ascii_domain
            WHEN phones.canonical IS NOT NULL
                THEN phones.canonical || substr(seen.match_key, length(phones.phone) + 1)
            ELSE seen.match_key
        END AS match_key,
        coalesce(seen.refused_reason, phones.reason) AS refused_reason
    FROM intermediate.int_identity__identifiers AS seen
    LEFT JOIN odd_phones AS phones
        ON seen.identifier_type = 'phone' AND split_part(seen.match_key, ';', 1) = phones.phone
    LEFT JOIN email_domains AS domains
        ON seen.identifier_type = 'email' AND split_part(seen.match_key, '@', 2) = domains.domain
"""


def check_identifiers(
    connection: "duckdb.DuckDBPyConnection", require: Literal["possible", "valid"] = "possible"
) -> int:
    """Make the temporary view `identifiers`, with the columns of int_identity__identifiers; count new phones.

    `connection` is the warehouse with state.duckdb attached as `state`; the view lives as long as it. A phone
    that is not what `require` asks has the refused_reason `impossible`, a company's line `not_personal`.
    """
    new = check_new_phones(connection)
    view_identifiers(connection, require)
    return new


def view_identifiers(
    connection: "duckdb.DuckDBPyConnection", require: Literal["possible", "valid"] = "possible"
) -> None:
    """Make the temporary view `identifiers` of a build whose phones were checked; the build may be read-only.

    `all_identifiers` is the same, and stays so where a build reads a part of them (gathering.py).
    """
    name_domains(connection)
    connection.execute(_ODD_PHONES, [require, list(NOT_PERSONAL)])
    connection.execute(_ALL_IDENTIFIERS)
    connection.execute(IDENTIFIERS)
