"""Trained parameters are a file of plain numbers, and a wrong file is refused in one sentence."""

from pathlib import Path

import pytest
import yaml

from data_contracts.errors import InputError
from pipelines.identity.linking.comparisons import NAMED
from pipelines.identity.linking.model import OWN, home_model, load_model


def test_the_shipped_parameters_weigh_agreement_for_and_difference_against() -> None:
    model = load_model()
    for name, weights in model.comparisons.items():
        assert weights[0].m > weights[0].u or name == "given_name", name  # the sample swaps no names
        assert weights[-1].weight < 0, name
        assert sum(level.m for level in weights) == pytest.approx(1, abs=0.001)
        assert sum(level.u for level in weights) == pytest.approx(1, abs=0.001)
    assert 0 < model.review_above < model.merge_above < 1


def test_a_file_gives_back_the_model_that_was_written(tmp_path: Path) -> None:
    load_model().to_file(tmp_path / "own.yaml")
    assert load_model(tmp_path / "own.yaml") == load_model()


def test_a_home_uses_its_own_parameters_where_it_has_trained(tmp_path: Path) -> None:
    assert home_model(tmp_path) == load_model()
    own = load_model().model_copy(update={"matches_a_profile": 0.25})
    own.to_file(tmp_path / OWN)
    assert home_model(tmp_path) == own


def test_the_prior_follows_from_how_many_profiles_there_are() -> None:
    model = load_model().model_copy(update={"matches_a_profile": 0.5})
    assert model.prior(1001) == pytest.approx(0.001)
    assert model.prior(1) == 0.5


def changed(tmp_path: Path, **words: object) -> Path:
    document = yaml.safe_load(load_model().model_dump_json())
    path = tmp_path / "wrong.yaml"
    path.write_text(yaml.safe_dump(document | words), encoding="utf-8")
    return path


def test_an_unknown_word_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="threshold"):
        load_model(changed(tmp_path, threshold=0.95))


def test_another_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="version"):
        load_model(changed(tmp_path, version=2))


def test_levels_of_another_version_are_refused(tmp_path: Path) -> None:
    levels = [{"level": "quite alike", "m": 0.9, "u": 0.1}]
    with pytest.raises(InputError, match="levels of street"):
        load_model(changed(tmp_path, comparisons={"street": levels}))


def test_an_unknown_comparison_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="shoe_size is no comparison"):
        load_model(changed(tmp_path, comparisons={"shoe_size": []}))


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no file"):
        load_model(tmp_path / "none.yaml")


def test_levels_are_counted_from_the_last_as_splink_does() -> None:
    street = NAMED["street"]
    assert street.level_of(-1) is street.levels[0]
    assert street.level_of(0) is street.levels[-1]
    assert street.level_of(len(street.known_levels) - 1) is street.known_levels[0]
