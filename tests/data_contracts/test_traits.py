"""A trait is one line; what is wrong with it is said by its name."""

from pathlib import Path

import pytest

from data_contracts.contracts import published_contract
from data_contracts.errors import ContractError
from data_contracts.traits import FILE, read_traits

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
        ("- likes_lamps", "holds no traits"),
        ("likes_lamps: {", "cannot be read"),
    ],
)
def test_a_wrong_line_is_refused_by_name_with_what_is_legal(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ContractError, match=said) as told:
        read_traits(lines(tmp_path, text), taken={"email"})
    assert told.value.mend


def test_the_traits_that_are_shipped_end_the_columns_of_the_view() -> None:
    columns = published_contract("customer_360").columns
    shipped = read_traits(FILE)
    assert shipped
    assert columns[-len(shipped) :] == shipped
    assert not any(column.trait for column in columns[: -len(shipped)])
