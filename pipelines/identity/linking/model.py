"""What training learnt, as plain numbers in a file that people can read, compare and put under version control."""

import math
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from data_contracts.yaml_files import YamlFile, read_yaml_file, shown
from pipelines.identity.linking.comparisons import NAMED, Comparison, chosen

SHIPPED = Path(__file__).with_name("parameters.yaml")
OWN = "identity_parameters.yaml"  # in RAPPORT_HOME
Share = Annotated[float, Field(gt=0, lt=1)]


class Words(BaseModel):
    """A part of the file; a word that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class LevelWeight(Words):
    """How often a level is seen among pairs of one person (m) and among pairs of two (u)."""

    level: str
    m: Share
    u: Share

    @property
    def weight(self) -> float:
        """Give the evidence of the level in bits."""
        return math.log2(self.m / self.u)


class Calibration(Words):
    """How sure a pair can be: see calibration.py. The counts say on how much it stands."""

    without_birth_date: float = Field(gt=0, le=1)
    birth_dates_agree: float = Field(ge=0)
    birth_dates_differ: float = Field(ge=0)


class LinkModel(Words):
    """A trained model: prior, weights of each level, and where to merge.

    `matches_a_profile`: how many profiles of the same person, under another number, a profile is expected to
    have; unlike the probability that two profiles match it does not depend on how many there are.
    `merge_above` and `review_above` are calibrated probabilities.
    """

    version: Literal[1] = 1
    trained_on: dict[str, int | str | list[int]]
    hand_typed: bool
    matches_a_profile: float = Field(gt=0)
    comparisons: dict[str, tuple[LevelWeight, ...]]
    calibration: Calibration
    merge_above: Share
    review_above: Share

    @property
    def compared(self) -> tuple[Comparison, ...]:
        """Give the comparisons that the model weighs."""
        return chosen(tuple(self.comparisons))

    def prior(self, profiles: int) -> float:
        """Give the probability that two of so many profiles, drawn at random from two people, are one person's."""
        return min(2 * self.matches_a_profile / max(profiles - 1, 1), 0.5)

    def to_file(self, path: Path) -> None:
        """Write the model as YAML."""
        text = yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, width=100)
        path.write_text(text, encoding="utf-8")

    def to_splink(self, profiles: int) -> dict[str, Any]:
        """Give the model as Splink's settings write it, for so many profiles."""
        comparisons = []
        for comparison in self.compared:
            settings = comparison.to_splink()
            weights = iter(self.comparisons[comparison.name])
            for level in settings["comparison_levels"]:
                if not level.get("is_null_level"):
                    weight = next(weights)
                    level |= {"m_probability": weight.m, "u_probability": weight.u}
            comparisons.append(settings)
        return splink_settings(comparisons, self.prior(profiles))


def splink_settings(comparisons: list[dict[str, Any]], prior: float) -> dict[str, Any]:
    """Give Splink's settings for comparing profiles."""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "profile",
        "comparisons": comparisons,
        "blocking_rules_to_generate_predictions": [],
        "probability_two_random_records_match": prior,
        "retain_matching_columns": True,
        "retain_intermediate_calculation_columns": True,
    }


def without_frequencies(comparisons: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give comparisons without term frequencies, where only levels count."""
    return [
        {
            **comparison,
            "comparison_levels": [
                {name: value for name, value in level.items() if not name.startswith("tf_")}
                for level in comparison["comparison_levels"]
            ],
        }
        for comparison in comparisons
    ]


def load_model(path: Path | None = None) -> LinkModel:
    """Read a parameters file; without one, the shipped parameters.

    Raises InputError, which names the file and what is wrong in it.
    """
    file = read_yaml_file(path or SHIPPED, mend=_MEND)
    model = file.checked(LinkModel)
    _check_levels(file, model)
    return model


_MEND = "Train anew with `rapport identity train`, or remove the file to use the shipped parameters."


def _check_levels(file: YamlFile, model: LinkModel) -> None:
    """Refuse parameters of another version's levels: they would weigh something else."""
    for name, weights in model.comparisons.items():
        place = ("comparisons", name)
        if name not in NAMED:
            file.refuse(place, f"{shown(name)} is no comparison; legal: {', '.join(NAMED)}")
        labels = [level.label for level in NAMED[name].known_levels]
        if [weight.level for weight in weights] != labels:
            file.refuse(place, f"the levels of {name} are not {'; '.join(labels)}")
    if not model.comparisons:
        file.refuse(("comparisons",), f"no comparison is weighed; legal: {', '.join(NAMED)}")


def home_model(home: Path) -> LinkModel:
    """Read the parameters of an installation: its own where it has trained, else the shipped ones."""
    own = home / OWN
    return load_model(own if own.exists() else None)
