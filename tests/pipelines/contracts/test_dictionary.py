"""The data dictionary: the words of every published column, from the one place where they are written."""

import re
from datetime import datetime

import pytest

from data_contracts.contracts import published_contract
from data_contracts.errors import BuildError
from pipelines.contracts.dictionary import describe, entries
from pipelines.contracts.dictionary_page import render_dictionary
from pipelines.contracts.origins import Origin
from pipelines.publishing.release import INFO, INFO_COLUMNS

NOON = datetime.fromisoformat("2026-10-30T12:00")
MODEL = {
    "resource_type": "model", "schema": "marts", "alias": "orders", "name": "orders", "description": "One row\nper order.",
    "columns": {"customer_id": {"description": "The person. ", "config": {"tags": ["personal"]}}},
}  # fmt: skip
MANIFEST = {"nodes": {"model.orders": MODEL}}


def test_a_contract_gives_title_words_class_values_and_rules() -> None:
    word = describe("customer_360", MANIFEST).columns["lifecycle_stage"]
    promised = published_contract("customer_360").column("lifecycle_stage")
    assert (word.title, word.description) == (promised.title, promised.description)
    assert word.values == ("prospect", "new", "active", "lapsing", "lapsed")
    assert word.history


def test_a_model_gives_its_words_and_says_what_is_personal() -> None:
    found = describe("orders", MANIFEST)
    assert found.description == "One row per order."
    word = found.columns["customer_id"]
    assert (word.title, word.description, word.classification) == ("Customer id", "The person.", "personal")


def test_the_history_takes_the_words_of_what_it_remembers_from_the_view() -> None:
    words = describe("customer_360_history", MANIFEST).columns
    assert words["email_consent"] == describe("customer_360", MANIFEST).columns["email_consent"]
    assert words["customer_id"].classification == "personal"


def test_what_a_release_says_of_itself_is_described() -> None:
    assert list(describe(INFO, MANIFEST).columns) == list(INFO_COLUMNS)


def test_a_table_and_a_column_that_nobody_describes_are_refused_by_name() -> None:
    with pytest.raises(BuildError, match="Nobody says what the published table secrets is"):
        describe("secrets", MANIFEST)
    words = {"orders": describe("orders", MANIFEST)}
    with pytest.raises(BuildError, match="the column order_id of the published table orders"):
        entries({"orders": {"customer_id": "VARCHAR", "order_id": "VARCHAR"}}, words, [], {})


def test_the_page_fetches_nothing_and_says_of_what_a_column_is_made_and_for_how_many_it_is_known() -> None:
    tables = {
        "customer_360": {"email": "VARCHAR", "lifecycle_stage": "VARCHAR"},
        "orders": {"customer_id": "VARCHAR"},
    }
    words = {table: describe(table, MANIFEST) for table in tables}
    origins = [
        Origin("customer_360", "email", "customer_360", "landing", table, "email")
        for table in ("calls", "contacts")
    ]
    found = entries(tables, words, origins, {"email": 0.93, "lifecycle_stage": 1.0})
    page = render_dictionary("v1", NOON, {table: about.description for table, about in words.items()}, found)
    assert not re.search(r"<script|https?://|@import|url\(", page)
    assert "Made of email <span>(calls, contacts)</span>" in page
    assert "known for 93%" in page
    assert "known for all" in page
    assert page.index('id="customer_360"') < page.index('id="orders"')
