"""The key index of a landing: the hashes of its record ids, so that a later delivery need not read all that has landed.

An index only rules landings out. Where a hash of the delivery stands in it, the landed file itself is read, whole and
verified, and decides. An index that is missing, damaged or of another version of DuckDB is made again from that file.
The parts of one delivery that feed the same table have no landing yet: each is asked where it was decided.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import duckdb

from data_contracts.contracts import Contract
from data_contracts.errors import InputError
from data_contracts.sql import Sql, sql
from pipelines.landing.durable import whole_file, write_json
from pipelines.landing.manifest import Landing, file_sha256, verify
from pipelines.landing.staging import row_hash, staged_types

PROBE = "rapport"  # DuckDB may hash differently one day: what it makes of this word stands in the manifest


def hash_probe(connection: duckdb.DuckDBPyConnection) -> str:
    """Name the hash function that this DuckDB has."""
    return str(connection.execute("SELECT hash(?::VARCHAR)", [PROBE]).fetchall()[0][0])


def find_landed(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    earlier: Sequence[Landing],
    beside: Sequence[duckdb.DuckDBPyConnection] = (),
) -> None:
    """Find out which rows of `judged` may have landed in one of the `earlier` landings, or are about to land `beside` them.

    `beside` hold the decided parts of the same delivery that land before this one. Makes landed_keys(key), the hashes that
    both sides have, and landed_rows(record_id, row_hash, landing_id), all landed rows of these keys. Raises InputError
    where a landed file that is needed is damaged.
    """
    connection.execute("CREATE OR REPLACE TEMP TABLE met (path VARCHAR, key UBIGINT)")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE landed_rows (record_id VARCHAR, row_hash VARCHAR, landing_id VARCHAR)"
    )
    by_index = {str(landing.keys_path): landing for landing in _indexed(connection, earlier)}
    if by_index:
        connection.execute(
            "INSERT INTO met SELECT filename, key FROM read_parquet(?, filename = true) SEMI JOIN judged USING (key)",
            [list(by_index)],
        )
    connection.execute("CREATE OR REPLACE TEMP TABLE landed_keys AS SELECT DISTINCT key FROM met")
    for other in beside:
        _find_beside(connection, contract, other)
    met = [by_index[path] for (path,) in connection.execute("SELECT DISTINCT path FROM met").fetchall()]
    for landing in met:
        verify(landing)
        connection.execute(
            "INSERT INTO landed_rows SELECT source_record_id, row_hash, ? FROM read_parquet(?)"
            " WHERE hash(source_record_id) IN (SELECT key FROM landed_keys)",
            [landing.landing_id, str(landing.path)],
        )


def _find_beside(
    connection: duckdb.DuckDBPyConnection, contract: Contract, other: duckdb.DuckDBPyConnection
) -> None:
    """Add the accepted rows of another part that have a record id of this one."""
    connection.register("coming", other.sql(_ACCEPTED_KEYS.text).to_arrow_table())
    shared = connection.sql("SELECT DISTINCT key FROM judged SEMI JOIN coming USING (key)").to_arrow_table()
    connection.unregister("coming")
    if not shared.num_rows:
        return
    other.register("shared", shared)
    rows = sql(
        "SELECT source_record_id AS record_id, {} AS row_hash FROM staged"
        " SEMI JOIN (FROM {} SEMI JOIN shared USING (key)) USING (position)",
        row_hash(contract, staged_types(other)),
        _ACCEPTED,
    )
    connection.register("coming", other.sql(rows.text, params=rows.bound).to_arrow_table())
    other.unregister("shared")
    connection.execute("INSERT INTO landed_rows SELECT record_id, row_hash, '' FROM coming")
    connection.unregister("coming")
    connection.register("shared", shared)
    connection.execute("INSERT INTO landed_keys FROM shared ANTI JOIN landed_keys USING (key)")
    connection.unregister("shared")


def whole_index(landing: Landing, probe: str) -> bool:
    """Say whether the index of a landing is there, is what was written, and has the hashes of this DuckDB."""
    named = landing.keys_sha256 and landing.keys_probe == probe and landing.keys_path.exists()
    return bool(named) and file_sha256(landing.keys_path) == landing.keys_sha256


def _indexed(connection: duckdb.DuckDBPyConnection, landings: Iterable[Landing]) -> list[Landing]:
    """Give the landings that hold rows, each with a sound index."""
    probe = hash_probe(connection)
    return [
        landing if whole_index(landing, probe) else _index_again(connection, landing, probe)
        for landing in landings
        if landing.accepted
    ]


def _index_again(connection: duckdb.DuckDBPyConnection, landing: Landing, probe: str) -> Landing:
    verify(landing)
    try:
        with whole_file(landing.keys_path) as part:
            connection.execute(
                "COPY (SELECT hash(source_record_id) AS key FROM read_parquet(?)) TO ?"
                " (FORMAT parquet, COMPRESSION uncompressed)",
                [str(landing.path), str(part)],
            )
            made = replace(landing, keys_sha256=file_sha256(part), keys_probe=probe)
        write_json(made.manifest_path, made.to_document())
    except duckdb.Error as error:
        raise InputError(f"The landed file {landing.path} cannot be read.", landing.mend) from error
    return made


def write_keys(connection: duckdb.DuckDBPyConnection, landing: Landing) -> Landing:
    """Write the index of a decided delivery; gives the landing with what its manifest has to say about it."""
    with whole_file(landing.keys_path) as part:
        connection.execute(
            sql("COPY ({}) TO ? (FORMAT parquet, COMPRESSION uncompressed)", _ACCEPTED_KEYS).text,
            [str(part)],
        )
    return replace(landing, keys_sha256=file_sha256(landing.keys_path), keys_probe=hash_probe(connection))


_ACCEPTED = Sql("judged ANTI JOIN (FROM decided WHERE decision <> 'accepted') USING (position)")
_ACCEPTED_KEYS = sql("SELECT key FROM {}", _ACCEPTED)
