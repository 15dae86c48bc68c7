"""The table customer_card of a release: one row a customer, with all that a look-up shows of them in two values.

It is made of the release's own tables, after they are written, so that it can tell nothing that they do not.
"""

from collections.abc import Iterator, Sequence

import duckdb
import pyarrow as pa
from duckdb.func import ARROW

from data_contracts.sql import Sql, joined, name, sql, value
from messaging.customers.cards import DATED, LASTING, PARTS, VIEW, Part, pack

MADE_OF = frozenset({VIEW, *(part.table for part in PARTS)})
LASTING_TABLES = frozenset(part.table for part in LASTING)
# Whose rows are gathered in memory: some 160 MB of text. As many as a row group of a release has, so that none is begun
# by one turn and ended by the next: that leaves a sixth of the file empty.
PEOPLE_AT_ONCE = 20_480

# DuckDB looks for patterns in what is compressed already, and finds none. The facts, which every build writes for everybody,
# are not compressed: that took half of the cards' time in a build of a part (2026-11-22).
_CREATE = """
CREATE TABLE release.main.customer_card (
    customer_id VARCHAR, facts VARCHAR USING COMPRESSION uncompressed, lists BLOB USING COMPRESSION uncompressed
)
"""
_INDEX = "CREATE INDEX customer_card_customer_id ON release.main.customer_card (customer_id)"
_SOME = """
CREATE OR REPLACE TEMP TABLE some_people AS
SELECT customer_id FROM release.main.customer_360 WHERE customer_id > ? ORDER BY customer_id LIMIT ?
"""
_ALL_NEW = "CREATE OR REPLACE TEMP VIEW new_people AS FROM some_people"
_SOME_NEW = """
CREATE OR REPLACE TEMP TABLE new_people AS
SELECT customer_id FROM some_people
WHERE customer_id IN (SELECT customer_id FROM increment.people)
    OR customer_id NOT IN (SELECT customer_id FROM before.main.customer_card)
"""
_WRITE = """
INSERT INTO release.main.customer_card
SELECT
    person.customer_id,
    '[' || CAST(json_array({}) AS VARCHAR) || ',' || {} || ']',
    {}
FROM release.main.customer_360 AS person SEMI JOIN some_people USING (customer_id)
{}
ORDER BY person.customer_id
"""
_PACKED = "packed_card('[' || {} || ']')"
_KEPT = "CASE WHEN fresh.customer_id IS NULL THEN held.lists ELSE {} END"
_LISTED = """
LEFT JOIN (
    SELECT customer_id, '[' || array_to_string(list(CAST(json_array({}) AS VARCHAR) ORDER BY {}){}, ',') || ']' AS found
    FROM release.main.{} SEMI JOIN {} USING (customer_id)
    GROUP BY customer_id
) AS {} USING (customer_id)
"""
_HELD = """
LEFT JOIN new_people AS fresh USING (customer_id)
LEFT JOIN (FROM before.main.customer_card SEMI JOIN some_people USING (customer_id)) AS held USING (customer_id)
"""


def write_cards(connection: duckdb.DuckDBPyConnection, *, by_people: bool = False) -> None:
    """Write the cards of everybody in the release that is attached as `release`, with its tables written.

    `by_people` takes over the lists of whoever is not in increment.people from the release attached as `before`.
    """
    connection.execute(_CREATE)
    statement = _statement(connection, by_people=by_people)
    connection.create_function("packed_card", _pack, ["VARCHAR"], "BLOB", type=ARROW)
    for _ in _some_people(connection):
        connection.execute(_SOME_NEW if by_people else _ALL_NEW)
        connection.execute(statement.text, statement.bound)
    connection.remove_function("packed_card")
    connection.execute(_INDEX)


def _some_people(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let the table some_people hold some customers after the other, in the order of their ids."""
    last = ""
    while True:
        connection.execute(_SOME, [last, PEOPLE_AT_ONCE])
        last = connection.execute("SELECT max(customer_id) FROM some_people").fetchall()[0][0]
        if last is None:
            return
        yield


def _statement(connection: duckdb.DuckDBPyConnection, *, by_people: bool) -> Sql:
    columns = connection.table(f"release.main.{VIEW}").columns
    facts = joined(", ", (sql("person.{}", name(each)) for each in columns))
    lists = sql(_PACKED, _found(LASTING))
    joins = [_listed(part, "some_people") for part in DATED] + [
        _listed(part, "new_people") for part in LASTING
    ]
    if by_people:
        lists, joins = sql(_KEPT, lists), [*joins, Sql(_HELD)]
    return sql(_WRITE, facts, _found(DATED), lists, joined("\n", joins))


def _found(parts: Sequence[Part]) -> Sql:
    return joined(" || ',' || ", (sql("coalesce({}.found, '[]')", name(part.table)) for part in parts))


def _listed(part: Part, people: str) -> Sql:
    columns = joined(", ", map(name, part.columns))
    newest = sql("[:{}]", value(part.most)) if part.most else Sql("")
    return sql(_LISTED, columns, Sql(part.order), newest, name(part.table), name(people), name(part.table))


def _pack(documents: pa.Array) -> pa.Array:
    return pa.array((pack(document) for document in documents.to_pylist()), pa.binary())
