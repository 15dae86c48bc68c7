"""How common names and places are, as scoring weighs them: counted once, and again when the company has grown.

Two Smiths prove less than two Szczepaniaks. Counted anew in every build, each new record would move every weight by a
little, and every pair would be another than the day before. So a company's counts stand in state.duckdb, for full
builds too, until it has a twentieth more profiles or fewer, or everything is to be read afresh. Values are kept as
numbers that nobody reads; one that is not kept is borne once.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.warehouse.state import transaction

if TYPE_CHECKING:
    import duckdb

GROWN = 0.05  # of the profiles that were counted

# Rows without a value are sums: of a column, how many profiles say anything; of `profiles`, how many there are.
_COUNTED = """
    CREATE OR REPLACE TEMP TABLE linking_counted AS
    WITH said AS (SELECT unnest([{columns}], recursive := true) FROM linking_profiles)
    SELECT kind, md5_number_lower(value) AS value, count(*) AS counted
    FROM said WHERE value IS NOT NULL GROUP BY ALL HAVING count(*) > 1
    UNION ALL SELECT kind, NULL, count(value) FROM said GROUP BY kind
    UNION ALL
    SELECT 'bearers', md5_number_lower(given_name), count(DISTINCT person)
    FROM linking_profiles WHERE given_name IS NOT NULL GROUP BY given_name HAVING count(DISTINCT person) > 1
    UNION ALL SELECT 'profiles', NULL, count(*) FROM linking_profiles
"""

_STANDING = "SELECT counted FROM state.link_frequencies WHERE kind = 'profiles'"
_NAMED = "SELECT coalesce(bit_xor(hash(each)), 0) FROM state.link_frequencies AS each"
_SETTLE = (
    "DELETE FROM state.link_frequencies",
    "INSERT INTO state.link_frequencies FROM linking_counted",
)
_TAKE = "CREATE OR REPLACE TEMP TABLE linking_frequencies AS FROM {}"

_BEARERS = """
    UPDATE linking_profiles SET given_bearers = coalesce(
        (SELECT counted FROM linking_frequencies
            WHERE kind = 'bearers' AND value = md5_number_lower(linking_profiles.given_name)), 1)
    WHERE given_name IS NOT NULL
"""

# As Splink reads it. Of a column that nobody had filled in when counts were made, a value is one profile's of all.
_FREQUENCY = """
    CREATE OR REPLACE TEMP TABLE linking_tf_{column} AS
    WITH sums AS (
        SELECT max(counted) FILTER (WHERE kind = $column) AS stated,
            max(counted) FILTER (WHERE kind = 'profiles') AS profiles
        FROM linking_frequencies WHERE value IS NULL
    )
    SELECT said.{column}, coalesce(kept.counted, 1)::DOUBLE / coalesce(nullif(sums.stated, 0), sums.profiles)
        AS tf_{column}
    FROM (SELECT DISTINCT {column} FROM linking_profiles WHERE {column} IS NOT NULL) AS said
    CROSS JOIN sums
    LEFT JOIN linking_frequencies AS kept ON kept.kind = $column AND kept.value = md5_number_lower(said.{column})
"""


def settle_frequencies(connection: "duckdb.DuckDBPyConnection", columns: Sequence[str]) -> int:
    """Give the number of profiles that weights are for, and leave a table `linking_tf_<column>` for each column.

    Reads `linking_profiles`, whose `given_bearers` become those that stand. Without state.duckdb, as where somebody's
    labelled records are judged, the counts are those of the profiles themselves.
    """
    said = ", ".join(f"{{kind: '{column}', value: {column}}}" for column in columns)
    connection.execute(_COUNTED.format(columns=said))
    kept = bool(connection.execute("FROM duckdb_databases() WHERE database_name = 'state'").fetchall())
    if kept and _has_moved(connection):
        with transaction(connection):
            for query in _SETTLE:
                connection.execute(query)
    return _weigh_by(connection, columns, "state.link_frequencies" if kept else "linking_counted")


def weigh_by_standing(connection: "duckdb.DuckDBPyConnection", columns: Sequence[str]) -> int:
    """Do what `settle_frequencies` does, of some profiles among others, by the counts that stand."""
    return _weigh_by(connection, columns, "state.link_frequencies")


def have_moved(connection: "duckdb.DuckDBPyConnection", profiles: int) -> bool:
    """Say whether a company of so many profiles is another than the one of which counts stand, if they do."""
    standing = connection.execute(_STANDING).fetchall()
    return bool(standing and abs(profiles - standing[0][0]) > GROWN * standing[0][0])


def are_settled(connection: "duckdb.DuckDBPyConnection") -> bool:
    """Say whether any counts stand."""
    return bool(connection.execute(_STANDING).fetchall())


def name_frequencies(connection: "duckdb.DuckDBPyConnection") -> str:
    """Name the counts that stand: under other counts each pair may weigh something else."""
    return str(connection.execute(_NAMED).fetchall()[0][0])


def forget_frequencies(connection: "duckdb.DuckDBPyConnection") -> None:
    """Let the next scoring count anew."""
    connection.execute("DELETE FROM state.link_frequencies")


def _weigh_by(connection: "duckdb.DuckDBPyConnection", columns: Sequence[str], counts: str) -> int:
    connection.execute(_TAKE.format(counts))
    connection.execute(_BEARERS)
    for column in columns:
        connection.execute(_FREQUENCY.format(column=column), {"column": column})
    found = connection.execute("SELECT counted FROM linking_frequencies WHERE kind = 'profiles'").fetchall()
    return int(found[0][0])


def _has_moved(connection: "duckdb.DuckDBPyConnection") -> bool:
    now = connection.execute("SELECT count(*) FROM linking_profiles").fetchall()[0][0]
    return not are_settled(connection) or have_moved(connection, now)
