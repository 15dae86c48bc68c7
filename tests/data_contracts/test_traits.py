"""A trait is one line; what is wrong with it is said by its name."""

from pathlib import Path

import duckdb
import pytest

from data_contracts.contracts import published_contract
from data_contracts.errors import ContractError
from data_contracts.traits import FILE, RESERVED, read_traits

LINE = "likes_lamps: {type: boolean, title: Likes lamps, description: Bought a lamp., classification: personal}\n"


def lines(folder: Path, text: str) -> Path:
    path = folder / "traits.yaml"
    path.write_text(text)
    return path


def test_a_line_becomes_a_column_that_is_known_as_a_trait(tmp_path: Path) -> None:
    (trait,) = read_traits(lines(tmp_path, LINE))
    assert (trait.name, trait.type, trait.title) == ("likes_lamps", "BOOLEAN", "Likes lamps")
    assert trait.trait
    assert trait.personal
    assert not trait.required


def test_a_trait_without_a_title_is_called_by_its_name(tmp_path: Path) -> None:
    (trait,) = read_traits(lines(tmp_path, "likes_lamps: {type: BOOLEAN, description: Bought a lamp.}"))
    assert trait.title == "Likes lamps"
    assert trait.classification == "internal"


def test_no_file_and_an_empty_one_hold_no_traits(tmp_path: Path) -> None:
    assert read_traits(tmp_path / "none.yaml") == read_traits(lines(tmp_path, "# none yet\n")) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Likes-Lamps: {type: BOOLEAN, description: Bought one.}", "is no column"),
        ("email: {type: VARCHAR, description: Another.}", "has already"),
        ("likes_lamps: true", "no type and no words"),
        ("likes_lamps: {typ: BOOLEAN, description: Bought one.}", "unknown key 'typ', meant is type"),
        ("likes_lamps: {type: FLAG, description: Bought one.}", "has the type 'FLAG'; legal are VARCHAR"),
        ("likes_lamps: {description: Bought one.}", "has the type None"),
        ("likes_lamps: {type: BOOLEAN}", "has no description"),
        ("likes_lamps: {type: BOOLEAN, description: A., classification: secret}", "classification 'secret'"),
        (
            "order: {type: BIGINT, description: A.}",
            "'order' has a name that is a word of SQL; .*yaml, line 1",
        ),
        ("known: {type: BIGINT, description: A.}", "'known' has a name that is a word of SQL"),
        (f"{'a' * 61}: {{type: BIGINT, description: A.}}", "of more than 60 characters"),
        ("likes_lamps: {type: BOOLEAN, description: 7}", "the description 7, which is no text"),
        (
            "likes_lamps: {type: BOOLEAN, description: A., title: [a]}",
            "the title \\['a'\\], which is no text",
        ),
        (
            "a: {type: DATE, description: A.}\na: {type: DATE, description: B.}",
            "line 2: the key a stands twice",
        ),
        ("a: {type: DATE,\n  title: 2026-13-45}", "line 2: what stands there is no timestamp"),
        ("- likes_lamps", "holds no traits"),
        ("likes_lamps: {", "cannot be read as YAML at line 1"),
    ],
)
def test_a_wrong_line_is_refused_by_name_with_what_is_legal(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ContractError, match=said) as told:
        read_traits(lines(tmp_path, text), taken={"email"})
    assert told.value.mend


def test_every_word_that_duckdb_takes_for_its_own_is_no_name_of_a_trait() -> None:
    with duckdb.connect() as connection:
        listed = connection.execute(
            "select distinct keyword_name from duckdb_keywords()"
            " where keyword_category in ('reserved', 'type_function')"
        ).fetchall()
        refused = {word for (word,) in listed if not stands_alone(connection, word)}
    assert refused
    assert refused | {"known"} == RESERVED


def stands_alone(connection: duckdb.DuckDBPyConnection, word: str) -> bool:
    """Say whether a word can be a column and the name that its table has in a query."""
    try:
        connection.execute(f"create or replace temp table one as select 1 as {word}")
        connection.execute(f"select {word}.{word} from one as {word} where {word} = 1")
    except duckdb.ParserException:
        return False
    return True


def test_the_traits_that_are_shipped_end_the_columns_of_the_view() -> None:
    columns = published_contract("customer_360").columns
    shipped = read_traits(FILE)
    assert shipped
    assert columns[-len(shipped) :] == shipped
    assert not any(column.trait for column in columns[: -len(shipped)])
