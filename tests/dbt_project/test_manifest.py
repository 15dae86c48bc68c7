"""What holds for every model: its name, where its arrows lead, its key, its words, its privacy."""

import re
from typing import Any

import pytest

from data_contracts.contracts import published_contracts
from pipelines.contracts.dictionary import describe
from pipelines.publishing.release import PUBLISHED

LAYERS = ("staging", "intermediate", "traits", "marts")
PARTS = ("before_identity", "after_identity", "after_scoring")

UNITS = ("company", "customer", "record")
# what dependents.py compares with before, and what says one thing of a key for ever: a number, an old id, a text, an address
FOLLOWED = {
    "int_texts__mass_texts",
    "int_addresses__proven",
    "int_addresses__dead",
    "int_catalogue__products",
    "int_identity__email_keys",
    "stg_identity__phones",
    "stg_identity__aliases",
    "stg_scoring__sentiments",
}


@pytest.fixture(scope="session")
def models(manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}


def layer(node: dict[str, Any]) -> str:
    return str(node["fqn"][1])


def unit(node: dict[str, Any]) -> str:
    return str(node["config"]["meta"].get("rebuilt_by", "company"))


def test_a_models_name_says_its_folder(models: dict[str, dict[str, Any]]) -> None:
    for name, node in models.items():
        _, folder, topic, *_ = node["fqn"]
        assert folder in LAYERS
        if folder == "traits":  # each is one column of that name
            continue
        assert len(node["fqn"]) == 4, name
        pattern = {"staging": f"stg_{topic}__", "intermediate": f"int_{topic}__", "marts": ""}[folder]
        assert re.fullmatch(pattern + r"[a-z0-9]+(_[a-z0-9]+)*", name), f"{name} in {folder}/{topic}"


def test_a_models_schema_is_its_layer(models: dict[str, dict[str, Any]]) -> None:
    for node in models.values():
        assert node["schema"] == layer(node)
        assert node["database"] == "c360"


def test_arrows_run_from_sources_through_staging_and_intermediate_to_marts(
    manifest: dict[str, Any], models: dict[str, dict[str, Any]]
) -> None:
    for name, node in models.items():
        for parent in node["depends_on"]["nodes"]:
            kind = parent.split(".")[0]
            if kind == "source":
                assert layer(node) == "staging", f"{name} reads the source {parent}: only staging does"
            elif kind == "model":
                above = LAYERS.index(layer(manifest["nodes"][parent]))
                assert above <= LAYERS.index(layer(node)), f"{name} reads {parent}, which comes after it"
                assert layer(node) != "staging", f"{name} reads another model: staging reads sources"


def test_every_model_is_of_one_part_and_needs_nothing_of_a_later_one(
    manifest: dict[str, Any], models: dict[str, dict[str, Any]]
) -> None:
    def part(tags: list[str]) -> int:
        (only,) = (PARTS.index(tag) for tag in tags if tag in PARTS)
        return only

    for name, node in models.items():
        for parent in node["depends_on"]["nodes"]:
            if parent in manifest["nodes"]:
                assert part(manifest["nodes"][parent]["tags"]) <= part(node["tags"]), f"{name} needs {parent}"


def test_what_a_part_replaces_is_made_of_nothing_that_others_change(
    manifest: dict[str, Any], models: dict[str, dict[str, Any]]
) -> None:
    """A table that is rebuilt by customers reads the company as a whole only where it is known what follows from that."""
    for name, node in models.items():
        if unit(node) == "company":
            continue
        assert "as_of()" not in node["raw_code"], f"{name} is rebuilt in parts and speaks of the day"
        for parent in node["depends_on"]["nodes"]:
            above = manifest["nodes"].get(parent)
            if above is None or above["resource_type"] == "seed" or unit(above) == "record":
                continue
            assert unit(above) == unit(node) or above["name"] in FOLLOWED, f"{name} reads {above['name']}"


def test_every_model_says_by_what_it_is_rebuilt_in_words_that_are_known(
    models: dict[str, dict[str, Any]],
) -> None:
    assert {unit(node) for node in models.values()} == set(UNITS)


def test_what_is_followed_is_there_before_identity(models: dict[str, dict[str, Any]]) -> None:
    assert all("before_identity" in models[name]["tags"] for name in FOLLOWED if name.startswith("int_"))


def test_every_model_is_described(models: dict[str, dict[str, Any]]) -> None:
    assert [name for name, node in models.items() if len(node["description"]) < 10] == []


def test_every_model_and_seed_has_a_key_that_a_build_requires(manifest: dict[str, Any]) -> None:
    for node in manifest["nodes"].values():
        if node["resource_type"] in {"model", "seed"}:
            assert node["config"]["meta"].get("primary_key"), node["name"]
            assert [hook["sql"] for hook in node["config"]["post-hook"]] == ["{{ require_key() }}"], node[
                "name"
            ]


def test_every_column_of_a_mart_is_promised_typed_and_described(models: dict[str, dict[str, Any]]) -> None:
    for name, node in models.items():
        if layer(node) != "marts":
            continue
        assert node["contract"]["enforced"], name
        for column in node["columns"].values():
            assert column["data_type"], f"{name}.{column['name']}"
            assert column["description"], f"{name}.{column['name']}"


def test_every_published_contract_is_of_a_table_that_a_model_makes(models: dict[str, dict[str, Any]]) -> None:
    assert set(published_contracts()) <= set(models)


PERSONAL = re.compile(
    r"^(customer_id|old_customer_id|customer_ref|external_id|.*email|phone|handle|device_id|value|match_key|address"
    r"|given_name|family_name|display_name|author_name|birth_date|street|postcode|title|body|body_text|email_key)$"
)


def test_columns_with_personal_data_are_tagged(models: dict[str, dict[str, Any]]) -> None:
    for name, node in models.items():
        if layer(node) != "marts":
            continue
        for column in node["columns"].values():
            if PERSONAL.match(column["name"]):
                assert "personal" in column["tags"], f"{name}.{column['name']}"


def test_rules_have_unit_tests(manifest: dict[str, Any]) -> None:
    tested = {test["model"] for test in manifest["unit_tests"].values()}
    assert {"stg_landing__contacts", "stg_landing__products", "int_purchases__orders", "shipments"} <= tested


def test_nothing_is_sent_to_dbts_makers(manifest: dict[str, Any]) -> None:
    assert manifest["metadata"]["send_anonymous_usage_stats"] is False


def test_every_table_that_a_release_carries_is_described_with_each_of_its_columns(
    manifest: dict[str, Any],
) -> None:
    for table in PUBLISHED:
        found = describe(table, manifest)  # names the table that nobody describes
        assert found.description, table
        assert found.columns, table
        assert all(word.description for word in found.columns.values()), table
