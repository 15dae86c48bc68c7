"""The contracts that Rapport ships: all of them load, hold together, and are told by what they judge."""

import re
from dataclasses import replace

import duckdb
import pytest

from data_contracts.contracts import (
    contract_names,
    find_contract,
    inbound_contracts,
    load_contract,
    published_contract,
    published_contracts,
)
from data_contracts.errors import UsageError
from data_contracts.model import Contract

HEAD = ["source", "source_record_id", "occurred_at", "received_at"]
ALL = [*inbound_contracts().values(), *published_contracts().values()]


def by_name(contract: Contract) -> str:
    return contract.name


def test_there_is_a_contract_for_every_canonical_table_in_use() -> None:
    assert contract_names("inbound") == (
        "calls",
        "chat_messages",
        "consents",
        "contacts",
        "email_events",
        "email_messages",
        "events",
        "form_submissions",
        "outreach",
        "products",
        "purchases",
        "reviews",
        "shipments",
        "sms_messages",
        "social_messages",
        "survey_responses",
        "tickets",
    )


def test_what_we_publish_has_contracts_too() -> None:
    assert {"customer_360", "customer_timeline"} <= set(contract_names("published"))


@pytest.mark.parametrize("contract", inbound_contracts().values(), ids=by_name)
def test_every_inbound_row_says_where_it_is_from_and_keeps_the_vendors_record(contract: Contract) -> None:
    names = [column.name for column in contract.columns]
    assert names[:4] == HEAD
    assert names[-1] == "raw_record"
    assert all(contract.column(name).required for name in HEAD)


@pytest.mark.parametrize("contract", ALL, ids=by_name)
def test_every_column_is_described_and_has_a_type_that_duckdb_knows(contract: Contract) -> None:
    with duckdb.connect() as connection:
        for column in contract.columns:
            assert len(column.description) > 10, column.name
            connection.execute(f"SELECT CAST(NULL AS {column.type})")


@pytest.mark.parametrize("contract", ALL, ids=by_name)
def test_every_rule_has_a_name_of_its_own_and_a_sentence(contract: Contract) -> None:
    names = [rule.name for rule in contract.rules]
    assert len(names) == len(set(names))
    assert all(rule.sentence.endswith(".") for rule in contract.rules)


def test_what_identifies_or_quotes_a_person_is_classified_as_personal() -> None:
    for contract in inbound_contracts().values():
        for name in (
            "email",
            "phone",
            "given_name",
            "family_name",
            "body",
            "body_text",
            "raw_record",
            "birth_date",
        ):
            if name in contract.duckdb_columns():
                assert contract.column(name).personal, f"{contract.name}.{name}"


def test_money_is_whole_minor_units_everywhere() -> None:
    for contract in ALL:
        for column in contract.columns:
            if column.name.endswith(("_minor", "_micros")):
                assert column.type == "BIGINT", f"{contract.name}.{column.name}"
            # stars, chances and lengths of time may be 4.5; money may not, whatever its column is called
            named = re.search(r"amount|revenue|price|refund_|value_|money|spent", column.name)
            assert column.type != "DOUBLE" or not named, f"{contract.name}.{column.name}"


def test_the_hash_names_what_is_judged_and_not_how_it_is_worded() -> None:
    contract = load_contract("purchases")
    reworded = replace(contract, purpose="Something else.")
    loosened = replace(contract, quarantine_threshold=0.5)
    shorter = replace(contract, columns=contract.columns[:-1])
    assert reworded.hash == contract.hash
    assert len({contract.hash, loosened.hash, shorter.hash}) == 3


def test_an_unknown_table_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match=r"'purchase'.*Did you mean purchases\?.*consents, contacts"):
        load_contract("purchase")
    with pytest.raises(UsageError, match="no published table 'purchases'"):
        published_contract("purchases")


def test_a_contract_is_found_by_table_or_by_file() -> None:
    from data_contracts.contracts import FOLDER

    by_file = find_contract(str(FOLDER / "inbound" / "consents.odcs.yaml"))
    assert by_file == find_contract("consents") == load_contract("consents")
    assert find_contract("customer_360") == published_contract("customer_360")
