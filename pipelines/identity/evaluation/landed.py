"""Anyone's records as a warehouse that a build has just begun: everything landed, nothing modelled."""

from typing import TYPE_CHECKING

from data_contracts.contracts import inbound_contracts

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb
    import pyarrow as pa

_AS_CONTACTS = """
    INSERT INTO landing.contacts BY NAME
    SELECT *, TIMESTAMP '1970-01-01' AS received_at, '{}' AS raw_record, 'evaluated' AS landing_id FROM
    records
"""


def land_as_contacts(connection: "duckdb.DuckDBPyConnection") -> None:
    """Make schema `landing` as a build has it, with the table `records` as its only contacts."""
    _make_landing(connection)
    connection.execute(_AS_CONTACTS)


def land_tables(connection: "duckdb.DuckDBPyConnection", tables: "Mapping[str, pa.Table]") -> None:
    """Make schema `landing` with these canonical tables, by name; columns that no contract has are left out."""
    contracts = _make_landing(connection)
    for name, table in tables.items():
        known = [column for column in table.column_names if column in contracts[name]]
        connection.register("landed", table.select(known))
        connection.execute(
            f"INSERT INTO landing.{name} BY NAME SELECT *, 'evaluated' AS landing_id FROM landed"  # noqa: S608
        )
        connection.unregister("landed")


def _make_landing(connection: "duckdb.DuckDBPyConnection") -> "Mapping[str, Mapping[str, str]]":
    contracts = {name: contract.duckdb_columns() for name, contract in inbound_contracts().items()}
    connection.execute("CREATE SCHEMA landing")
    for name, columns in contracts.items():
        listed = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
        connection.execute(f"CREATE TABLE landing.{name} ({listed}, landing_id VARCHAR)")
    return contracts
