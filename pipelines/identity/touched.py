"""Whose view may differ since the last build: what a build of a part makes anew, and nobody else's.

Such a build says so in schema `increment` of build.duckdb: `increment.state(kind, reason)` has one row, whose kind is
`full` or `part`, and `increment.records(source, source_record_id)` holds what a part brought, new or with other words.
A build without the schema is a full one, where everybody is made anew and nobody needs to be named.
"""

from typing import TYPE_CHECKING

from pipelines.warehouse.connection import has_table

if TYPE_CHECKING:
    import duckdb

# What the tables say of each customer, as one number: rows in no order, so that a row may stand anywhere. A phone's
# verdict is its customer's too. `only` leaves out everybody but those whose rows a part replaces.
_MARKS = """
    CREATE OR REPLACE TEMP TABLE {name} AS
    WITH identifiers AS (FROM identity.customer_identifiers {only}),
    refused AS (
        SELECT unnest([customer_id, other_customer_id]) AS customer_id, hash('refused', said) AS mark
        FROM identity.identity_refused AS said
    ),
    review AS (
        SELECT unnest([customer_id, other_customer_id]) AS customer_id, hash('review', said) AS mark
        FROM identity.identity_review AS said
    ),
    rows AS (
        SELECT customer_id, hash('map', said) AS mark FROM identity.identity_map AS said {only}
        UNION ALL SELECT customer_id, hash('identifiers', said) FROM identifiers AS said
        UNION ALL
        SELECT held.customer_id, hash('phone', said)
        FROM identifiers AS held JOIN {phones} AS said ON held.identifier_type = 'phone' AND held.value = said.phone
        UNION ALL SELECT customer_id, hash('evidence', said) FROM identity.identity_evidence AS said {only}
        UNION ALL FROM refused {only}
        UNION ALL FROM review {only}
    )
    SELECT customer_id, count(*) AS rows, sum(mark::HUGEINT) AS mark
    FROM rows WHERE customer_id IS NOT NULL GROUP BY customer_id
"""

_NO_MARKS = (
    "CREATE OR REPLACE TEMP TABLE marks_before (customer_id VARCHAR, rows BIGINT, mark HUGEINT)",
    "CREATE OR REPLACE TEMP TABLE alias_before (old_customer_id VARCHAR, customer_id VARCHAR)",
)

_ALIAS_BEFORE = """
    CREATE OR REPLACE TEMP TABLE alias_before AS
    SELECT old_customer_id, customer_id FROM identity.identity_alias
"""

_PEOPLE = """
    CREATE OR REPLACE TABLE increment.people AS
    WITH led AS (SELECT old_customer_id, customer_id FROM identity.identity_alias),
    led_elsewhere AS ((FROM led EXCEPT FROM alias_before) UNION ALL (FROM alias_before EXCEPT FROM led))
    SELECT coalesce(now.customer_id, before.customer_id) AS customer_id
    FROM marks_now AS now FULL JOIN marks_before AS before USING (customer_id)
    WHERE (now.rows, now.mark) IS DISTINCT FROM (before.rows, before.mark)
    UNION
    SELECT unnest([old_customer_id, customer_id]) FROM led_elsewhere
    UNION
    SELECT customer_id FROM identity.identity_map JOIN increment.records USING (source, source_record_id)
    ORDER BY customer_id
"""

_NOBODY = (
    "CREATE SCHEMA IF NOT EXISTS increment",
    "CREATE OR REPLACE TABLE increment.people (customer_id VARCHAR)",
)


def keep_phones(connection: "duckdb.DuckDBPyConnection") -> None:
    """Keep, in a temporary table, what the last build knew of phones: the first that a build writes anew."""
    known = has_table(connection, "identity", "identity_phones")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE phones_before AS FROM identity.identity_phones"
        if known
        else "CREATE OR REPLACE TEMP TABLE phones_before (phone VARCHAR)"
    )


def mark_published(connection: "duckdb.DuckDBPyConnection", *, replaced: bool = False) -> None:
    """Keep, in temporary tables, what schema `identity` says of each customer before this build writes there.

    With `replaced`, of the customers in the temporary table `replaced` alone: nobody else's rows are written.
    """
    if not has_table(connection, "identity", "identity_map"):
        for query in _NO_MARKS:
            connection.execute(query)
        return
    only = _only(replaced=replaced)
    connection.execute(_MARKS.format(name="marks_before", phones="phones_before", only=only))
    connection.execute(_ALIAS_BEFORE)


def name_touched(connection: "duckdb.DuckDBPyConnection", *, part: bool, replaced: bool = False) -> int:
    """Write `increment.people(customer_id)`, empty in a full build, and count them.

    They are all customers of whom a table of schema `identity` says something else than `mark_published` found, those who
    are no more, and those of `increment.records`.
    """
    if not part:
        for query in _NOBODY:
            connection.execute(query)
        return 0
    marks = _MARKS.format(name="marks_now", phones="identity.identity_phones", only=_only(replaced=replaced))
    for query in (marks, _PEOPLE):
        connection.execute(query)
    return int(connection.execute("SELECT count(*) FROM increment.people").fetchall()[0][0])


def _only(*, replaced: bool) -> str:
    return "SEMI JOIN replaced USING (customer_id)" if replaced else ""
