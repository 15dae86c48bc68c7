"""Which model reads which column: by name, through every `*`, unions, joins and recursion."""

from typing import Any

import pytest

from pipelines.contracts.lineage import Field, Lineage, read_lineage

TABLES = {"landing.orders": ["id", "price", "city", "country"], "seeds.places": ["city", "zone"]}


def project(**models: str) -> dict[str, Any]:
    """Give a manifest: each model stands in `marts` if its name begins with mart, else in `staging`, after those before it."""
    nodes = {}
    for name, text in models.items():
        schema = "marts" if name.startswith("mart") else "staging"
        nodes[f"model.{name}"] = {
            "resource_type": "model", "schema": schema, "alias": name, "compiled_code": text.replace("$", '"c360".'), "columns": {},
            "original_file_path": f"models/{name}.sql", "depends_on": {"nodes": list(nodes)},
        }  # fmt: skip
    return {"nodes": nodes}


def users(lineage: Lineage, column: str) -> list[str]:
    return [model.path for model in lineage.users(Field("landing.orders", column))]


def feeds(lineage: Lineage, column: str) -> list[str]:
    return [str(field) for field in lineage.made_from(Field("landing.orders", column), "marts")]


@pytest.fixture
def lineage() -> Lineage:
    return read_lineage(
        project(
            stg_orders="with renamed as (select * from $landing.orders) select * from renamed",
            int_named="select id, price * 2 as doubled from $staging.stg_orders where city = 'Rome'",
            mart_sums="select id, sum(doubled) as total from $staging.int_named group by id",
        ),
        TABLES,
    )


def test_a_model_that_only_passes_a_column_on_counts_through_its_descendants(lineage: Lineage) -> None:
    assert users(lineage, "price") == ["models/int_named.sql"]


def test_a_condition_uses_a_column_and_makes_nothing_of_it(lineage: Lineage) -> None:
    assert users(lineage, "city") == ["models/int_named.sql"]
    assert feeds(lineage, "city") == []


def test_a_published_column_is_made_from_another_by_whatever_name(lineage: Lineage) -> None:
    assert feeds(lineage, "price") == ["mart_sums.total"]


def test_a_column_that_nobody_names_has_no_users(lineage: Lineage) -> None:
    assert users(lineage, "country") == []


def test_a_value_that_is_looked_up_by_a_column_is_made_from_it() -> None:
    looked = "select o.id, p.zone from $landing.orders as o left join $seeds.places as p on o.city = p.city"
    assert feeds(read_lineage(project(mart_zones=looked), TABLES), "city") == ["mart_zones.zone"]


def test_both_sides_of_a_union_count() -> None:
    text = "select id as what from $landing.orders union all select price from $landing.orders"
    lineage = read_lineage(project(mart_all=text), TABLES)
    assert (feeds(lineage, "id"), feeds(lineage, "price")) == (["mart_all.what"], ["mart_all.what"])


def test_a_recursive_query_comes_to_an_end() -> None:
    text = (
        "with recursive chain as (select id, price from $landing.orders union all"
        " select chain.id, chain.price from chain where chain.id < 9) select id, price from chain"
    )
    assert feeds(read_lineage(project(mart_chain=text), TABLES), "price") == ["mart_chain.price"]


def test_a_model_that_cannot_be_parsed_is_judged_by_its_words() -> None:
    lineage = read_lineage(project(mart_odd="select price from ((( $landing.orders"), TABLES)
    assert users(lineage, "price") == ["models/mart_odd.sql"]
    assert users(lineage, "city") == []
