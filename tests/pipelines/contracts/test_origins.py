"""What each published column is made of, back to the sources."""

from typing import Any

import duckdb

from pipelines.contracts.origins import Origin, trace, write_lineage

TABLES = {
    "landing.purchases": ["source", "customer_ref", "net_amount_minor"],
    "identity.identity_map": ["source", "customer_id"],
    "staging.rates": ["name", "factor"],
}
SQL = {
    ("staging", "stg_landing__purchases"): "select * from $landing.purchases",
    ("intermediate", "int_sums"): """
        select m.customer_id, p.net_amount_minor * r.factor as paid, 1 as one
        from $staging.stg_landing__purchases as p
        left join $identity.identity_map as m on p.source = m.source
        cross join $staging.rates as r
    """,
    (
        "marts",
        "orders",
    ): "select customer_id, paid as net_revenue, count(*) as times from $intermediate.int_sums",
    ("marts", "private"): "select paid from $intermediate.int_sums",
}


def project() -> dict[str, Any]:
    nodes: dict[str, Any] = {}
    for (schema, name), text in SQL.items():
        nodes[f"model.{name}"] = {
            "resource_type": "model", "schema": schema, "alias": name, "columns": {}, "original_file_path": f"models/{name}.sql",
            "compiled_code": text.replace("$", '"c360".'), "depends_on": {"nodes": list(nodes)},
        }  # fmt: skip
    return {"nodes": nodes}


def test_a_column_is_traced_to_the_landed_columns_seeds_and_steps_that_it_is_made_of() -> None:
    found = trace(project(), TABLES, ["orders"])
    assert found == [
        Origin("orders", "customer_id", "orders", "identity", "identity_map", "customer_id"),
        Origin(
            "orders", "net_revenue", "orders", "landing", "purchases", "net_amount_minor", "purchases 1.0.0"
        ),
        Origin("orders", "net_revenue", "orders", "seeds", "rates", "factor"),
        Origin("orders", "times", "orders"),  # counted: made of nothing but rows
    ]


def test_what_is_traced_stands_in_the_warehouse_row_by_row() -> None:
    found = trace(project(), TABLES, ["orders"])
    with duckdb.connect() as connection:
        write_lineage(connection, found)
        rows = connection.execute("FROM warehouse.lineage").fetchall()
        write_lineage(connection, ())
        assert connection.execute("SELECT count(*) FROM warehouse.lineage").fetchall() == [(0,)]
    assert [Origin(*row) for row in rows] == found
