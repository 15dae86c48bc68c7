"""What a company may write about which value survives, and what dbt is told of it."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from data_contracts.contracts import inbound_contracts
from data_contracts.errors import InputError
from messaging.customers.golden import KINDS, REASONS
from pipelines.identity.policy import SHIPPED, load_policy
from pipelines.identity.survivorship import (
    ATTRIBUTES,
    PLAIN_RULES,
    USUAL,
    SourcePriority,
    Survivorship,
    dbt_vars,
)

PROJECT = Path(__file__).parents[3] / "dbt_project" / "dbt_project.yml"


def told(**written: Any) -> str:
    """Give what a person is told of a wrong part of the file: one sentence an error."""
    with pytest.raises(ValidationError) as caught:
        Survivorship.model_validate(written)
    (error,) = caught.value.errors()
    place = ".".join(str(part) for part in error["loc"])
    return f"{place}: {error['msg'].removeprefix('Value error, ')}"


def test_without_a_word_every_attribute_goes_by_the_usual_rules() -> None:
    assert {Survivorship().rules(attribute) for attribute in ATTRIBUTES} == {USUAL}


def test_dbt_alone_chooses_as_a_build_without_a_policy_does() -> None:
    known = yaml.safe_load(PROJECT.read_text())["vars"]
    assert known["survivorship"] == dbt_vars(Survivorship())["survivorship"]


def test_an_attribute_has_its_own_rules_and_the_others_the_default() -> None:
    written = {"default": ["frequency"], "email": [{"source_priority": ["crm", "shopify"]}, "recency"]}
    survivorship = Survivorship.model_validate(written)
    assert survivorship.rules("name") == ("frequency",)
    rendered = dbt_vars(survivorship)["survivorship"]
    assert rendered["email"] == [
        {"rule": "source_priority", "sources": ["crm", "shopify"]},
        {"rule": "recency", "sources": []},
    ]
    assert rendered["name"] == [{"rule": "frequency", "sources": []}]


@pytest.mark.parametrize("alone", ["given_name", "family_name", "street", "city", "postcode"])
def test_what_belongs_together_cannot_be_chosen_apart(alone: str) -> None:
    assert f"{alone} is not chosen alone: write" in told(**{alone: ["recency"]})


def test_an_unknown_attribute_is_told_with_all_that_there_are() -> None:
    sentence = told(shoe_size=["recency"])
    assert "'shoe_size' is no attribute" in sentence
    assert all(attribute in sentence for attribute in ATTRIBUTES)


def test_an_unknown_rule_is_told_with_its_place_and_all_rules() -> None:
    sentence = told(email=["newest"])
    assert sentence.startswith("email: 'newest' is no rule; legal: ")
    assert all(rule in sentence for rule in (*PLAIN_RULES, "source_priority"))


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ([], "needs a list of rules"),
        ("recency", "needs a list of rules"),
        (None, ""),
        (["recency", "stated", "recency"], "recency stands in the list more than once"),
        ([{"source_priority": ["crm"]}, {"source_priority": ["shop"]}], "source_priority stands in the list"),
        ([{"sources": ["crm"]}], "is no rule"),
        ([["recency"]], "is no rule"),
        ([7], "7 is no rule"),
    ],
)
def test_a_list_that_cannot_be_followed_is_refused(written: Any, words: str) -> None:
    if written is None:
        assert Survivorship.model_validate({"email": None}).rules("email") == USUAL
    else:
        assert words in told(email=written)


@pytest.mark.parametrize("listed", [[], ["Shop"], ["crm'; drop table x"], "crm", ["crm", "crm"]])
def test_sources_are_named_as_sources_are(listed: Any) -> None:
    assert "is no list of sources; legal: each source once" in told(email=[{"source_priority": listed}])


rule = st.sampled_from(PLAIN_RULES) | st.lists(
    st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True), min_size=1, max_size=4, unique=True
).map(lambda sources: SourcePriority(source_priority=tuple(sources)))
rules = st.lists(
    rule, min_size=1, max_size=5, unique_by=lambda each: each if isinstance(each, str) else "source_priority"
)


@given(st.dictionaries(st.sampled_from(["default", *ATTRIBUTES]), rules))
def test_what_is_written_out_reads_back_as_it_was(written: dict[str, Any]) -> None:
    survivorship = Survivorship.model_validate(written)
    assert Survivorship.model_validate(
        yaml.safe_load(yaml.safe_dump(survivorship.model_dump(mode="json")))
    ) == (survivorship)
    rendered = dbt_vars(survivorship)["survivorship"]
    assert set(rendered) == set(ATTRIBUTES)
    assert all(
        each["rule"] in {*PLAIN_RULES, "source_priority"} for listed in rendered.values() for each in listed
    )


def test_every_rule_and_every_kind_of_record_has_words_for_an_agent() -> None:
    assert set(REASONS) == {*PLAIN_RULES, "source_priority", "only value", "alphabet"}
    forms = [
        rule.pattern
        for name, contract in inbound_contracts().items()
        for rule in contract.rules
        if rule.columns == ("source_record_id",) and rule.check == "pattern" and name != "products"
    ]
    assert {form.split("/")[0] for form in forms} == set(KINDS)


def test_the_shipped_policy_says_the_usual_rules() -> None:
    assert load_policy().survivorship == Survivorship()


def test_other_rules_for_values_resolve_nobody_anew(tmp_path: Path) -> None:
    own = tmp_path / "identity.yaml"
    own.write_text(
        SHIPPED.read_text().replace("default: [stated, completeness", "default: [completeness, stated")
    )
    assert load_policy(own).survivorship.rules("name")[0] == "completeness"
    assert load_policy(own).fingerprint == load_policy().fingerprint


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "  email: [newest]",
            "survivorship.email: 'newest' is no rule; legal: stated, completeness, recency",
        ),
        (
            "  street: [recency]",
            "survivorship: street is not chosen alone: write address, which takes street",
        ),
        ("  shoes: [recency]", "survivorship: 'shoes' is no attribute; legal: default, name, birth_date"),
    ],
)
def test_a_wrong_word_is_told_in_one_sentence_with_its_file(tmp_path: Path, line: str, words: str) -> None:
    own = tmp_path / "identity.yaml"
    own.write_text(f"{SHIPPED.read_text()}{line}\n")
    with pytest.raises(InputError) as caught:
        load_policy(own)
    assert re.match(rf"{re.escape(str(own))}: line \d+: {re.escape(words)}", str(caught.value))
    assert caught.value.mend.startswith("Nothing was changed.")
