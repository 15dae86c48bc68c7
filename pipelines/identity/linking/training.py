"""Learning what agreement is worth, from a company's own records and without labels.

Fellegi and Sunter (1969): u, how often strangers agree, from all pairs of a sample with one record a person;
m, how often one person's records agree, by expectation maximisation over blocks (Splink's). Samples are
drawn by hash and the sample for u is small enough for all of its pairs, so that no random choice of a
database takes part: the same records give the same parameters.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.errors import BuildError
from pipelines.identity.linking.blocking import NARROW
from pipelines.identity.linking.calibration import (
    CERTAIN,
    MERGE_BETA,
    REVIEW_BETA,
    BirthDates,
    best_threshold,
)
from pipelines.identity.linking.comparisons import (
    BIRTH_DATE,
    COMPARISONS,
    EXTERNAL_ID,
    Agreement,
    Comparison,
)
from pipelines.identity.linking.expectation import Fitted, Floats, Patterns, fit, posterior
from pipelines.identity.linking.merging import Verdict, contradicted, verdict
from pipelines.identity.linking.model import (
    Calibration,
    LevelWeight,
    LinkModel,
    splink_settings,
    without_frequencies,
)
from pipelines.identity.linking.profiles import write_examples
from pipelines.identity.linking.session import splink_session

if TYPE_CHECKING:
    import duckdb
    from splink import DuckDBAPI

RECORDS_A_PERSON = 4
MOST_PEOPLE = 20_000
STRANGERS = 600  # one record each, for u: 180,000 pairs; of all the training this costs most
EM_PAIRS = 500_000
FEWEST = 300
RAREST = 1 / (STRANGERS * (STRANGERS - 1) / 2)  # nothing rarer can be seen
COVERAGE = 0.02  # of the records have to state an attribute for it to be weighed

# Blocks in which one person's records are many and strangers' are there too. What a block is made of cannot
# be learnt in it, so each names the comparisons that it is silent on.
_BLOCKS = (
    ("birth_date", ("birth_date",)),
    ("given_name || '|' || family_name", ("given_name", "family_name")),
    ("street_line || '|' || coalesce(postcode, city)", ("street", "postcode", "city")),
    ("postcode || '|' || left(given_name, 1)", ("given_name", "postcode", "city")),
    ("email", ("email",)),
    ("phone", ("phone",)),
    ("external_id", ("external_id",)),
)

_PAIRS = """
    CREATE OR REPLACE TEMP TABLE linking_candidates AS
    WITH keys AS (
        SELECT profile, person, unnest([{keys}], recursive := true)
        FROM linking_profiles
    ),
    blocks AS (
        SELECT block, hash(block, key) AS name, list({{profile: profile, person: person}} ORDER BY profile) AS members
        FROM keys
        WHERE key IS NOT NULL
        GROUP BY block, key
        HAVING count(*) BETWEEN 2 AND $most
    ),
    placed AS (SELECT block, name, unnest(members, recursive := true) FROM blocks),
    pairs AS (
        SELECT one.block, one.profile AS one, other.profile AS other, one.person = other.person AS known,
            count(*) OVER (PARTITION BY one.profile, other.profile) AS blocks
        FROM placed AS one
        JOIN placed AS other ON one.block = other.block AND one.name = other.name AND one.profile < other.profile
    )
    SELECT block || '/' || known || '/' || blocks AS match_key, one AS join_key_l, other AS join_key_r
    FROM pairs
    ORDER BY hash(one, other), one, other, block
    LIMIT $pairs
"""

_STRANGERS = """
    CREATE OR REPLACE TEMP TABLE linking_strangers AS
    WITH ranked AS (
        SELECT *, row_number() OVER (
            PARTITION BY person ORDER BY hash(source, source_record_id), profile
        ) AS place
        FROM linking_profiles
    )
    SELECT * EXCLUDE (place) FROM ranked WHERE place = 1
    ORDER BY hash(source, source_record_id), profile
    LIMIT ?
"""


def train(
    connection: "duckdb.DuckDBPyConnection", identifiers: str = "identifiers", *, hand_typed: bool = False
) -> LinkModel:
    """Learn from the records of the people in `resolved`; see `write_profiles` for what is read.

    `hand_typed` is for registers that clerks key in: external ids are weighed too, and a wrong birth date or given
    name is taken for a mistake. Raises BuildError when the records say too little to learn from.
    """
    records = write_examples(connection, identifiers, RECORDS_A_PERSON, MOST_PEOPLE)
    connection.execute(_STRANGERS, [STRANGERS])
    comparisons = _worth_comparing(connection, records, hand_typed=hand_typed)
    if records < FEWEST or not {"given_name", "family_name"} < {each.name for each in comparisons}:
        raise BuildError(
            f"The {records} records with a name say too little to learn from: at least {FEWEST} are needed, and"
            " of some of them a birth date, street, postcode, e-mail or phone beside given and family name.",
            "Use the shipped parameters.",
        )
    _write_pairs(connection)
    with splink_session(connection) as splink:
        with_u = _strangers(splink, comparisons)
        patterns = _patterns(splink, connection, comparisons, with_u, hand_typed=hand_typed)
    u = tuple(_u(with_u[each.name]) for each in comparisons)
    fitted = fit(patterns, u, tuple(imagined(each) for each in comparisons))
    people = connection.execute("SELECT count(DISTINCT person) FROM linking_profiles").fetchall()[0][0]
    return _model(comparisons, patterns, fitted, u, Sizes(records, int(people), hand_typed))


@dataclass(frozen=True)
class Sizes:
    """What was learnt from."""

    records: int
    people: int
    hand_typed: bool

    @property
    def pairs_of_two(self) -> float:
        """Give how many pairs of records two people have, on average."""
        return (self.records / self.people) ** 2


def _model(
    comparisons: tuple[Comparison, ...],
    patterns: Patterns,
    fitted: Fitted,
    u: tuple[Floats, ...],
    sizes: Sizes,
) -> LinkModel:
    apart = ~patterns.known & ~patterns.never
    once = patterns.pairs / patterns.blocks
    matches = float((fitted.match * once)[~patterns.known].sum())
    dates = _birth_dates(comparisons, patterns, fitted, u)
    agreeing = _agreeing(comparisons, fitted)
    thresholds = [
        best_threshold(fitted.match[apart], once[apart], beta) for beta in (MERGE_BETA, REVIEW_BETA)
    ]
    return LinkModel(
        trained_on={"records": sizes.records, "people": sizes.people},
        hand_typed=sizes.hand_typed,
        matches_a_profile=_rounded(max(matches, 1.0) / sizes.pairs_of_two / sizes.people),
        comparisons={
            each.name: tuple(
                LevelWeight(level=level.label, m=_rounded(one), u=_rounded(other))
                for level, one, other in zip(each.known_levels, of_m, of_u, strict=True)
            )
            for each, of_m, of_u in zip(comparisons, fitted.m, u, strict=True)
        },
        calibration=Calibration(
            without_birth_date=_rounded(dates.certainty(agreeing)),
            birth_dates_agree=_rounded(dates.agree),
            birth_dates_differ=_rounded(dates.differ),
        ),
        merge_above=_rounded(thresholds[0]),
        review_above=_rounded(thresholds[1]),
    )


def _agreeing(comparisons: tuple[Comparison, ...], fitted: Fitted) -> float:
    """Give how often one person's two birth dates agree; 1 where none are compared."""
    for each, m in zip(comparisons, fitted.m, strict=True):
        if each is BIRTH_DATE:
            return float(sum(m[: _agreeing_levels()]))
    return 1.0


def _agreeing_levels() -> int:
    return sum(level.agreement >= Agreement.ROUGH for level in BIRTH_DATE.known_levels)


def _birth_dates(
    comparisons: tuple[Comparison, ...], patterns: Patterns, fitted: Fitted, u: tuple[Floats, ...]
) -> BirthDates:
    """Ask the birth dates of pairs that nothing ties and that are certain without them."""
    if BIRTH_DATE not in comparisons:
        return BirthDates(0, 0)
    column = comparisons.index(BIRTH_DATE)
    blind = patterns.levels.copy()
    blind[:, column] = -1
    apart = patterns.mergeable & ~patterns.known
    share = np.full(len(blind), 0.5)
    certain = apart & (posterior(blind, fitted.m, u, share) > CERTAIN) & (patterns.levels[:, column] >= 0)
    agree = certain & (patterns.levels[:, column] < _agreeing_levels())
    once = patterns.pairs / patterns.blocks
    return BirthDates(float(once[agree].sum()), float(once[certain & ~agree].sum()))


def _worth_comparing(
    connection: "duckdb.DuckDBPyConnection", records: int, *, hand_typed: bool
) -> tuple[Comparison, ...]:
    columns = sorted({each.shown for each in COMPARISONS})
    counts = ", ".join(
        f"CASE WHEN count(DISTINCT {column}) > 1 THEN count({column}) ELSE 0 END" for column in columns
    )
    row = connection.execute(f"SELECT {counts} FROM linking_profiles").fetchall()[0]  # noqa: S608
    stated = dict(zip(columns, row, strict=True))
    return tuple(
        each
        for each in COMPARISONS
        if stated[each.shown] > COVERAGE * records and (hand_typed or each is not EXTERNAL_ID)
    )


def _linker(splink: "DuckDBAPI", table: str, comparisons: list[dict[str, Any]], prior: float) -> Any:
    from splink import Linker

    settings = splink_settings(comparisons, prior)
    return Linker(splink.register(table), settings, log_level=None, validate_settings=False)


def _strangers(splink: "DuckDBAPI", comparisons: tuple[Comparison, ...]) -> dict[str, list[dict[str, Any]]]:
    """Let Splink count how often strangers show each level; give Splink's levels by comparison."""
    linker = _linker(splink, "linking_strangers", [each.to_splink() for each in comparisons], 0.0001)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e8, min_count_per_level=None, num_chunks=1)
    settings: dict[str, Any] = linker.misc.save_model_to_json()
    return {each["output_column_name"]: each["comparison_levels"] for each in settings["comparisons"]}


def _patterns(
    splink: "DuckDBAPI",
    connection: "duckdb.DuckDBPyConnection",
    comparisons: tuple[Comparison, ...],
    with_u: dict[str, list[dict[str, Any]]],
    *,
    hand_typed: bool,
) -> Patterns:
    """Let Splink compare the pairs of all blocks, and count them by what they look like."""
    settings = [{"output_column_name": name, "comparison_levels": levels} for name, levels in with_u.items()]
    linker = _linker(splink, "linking_profiles", without_frequencies(settings), 0.0001)
    linker.table_management.register_blocked_pairs_for_predict(splink.register("linking_candidates"))
    compared = linker.inference.predict(warning_mode="never").physical_name
    gammas = ", ".join(f"gamma_{each.name}" for each in comparisons)
    counted = connection.execute(
        f"SELECT match_key, {gammas}, count(*) AS pairs FROM {compared} GROUP BY ALL ORDER BY ALL"  # noqa: S608
    ).fetchnumpy()
    gamma = np.stack([np.asarray(counted[f"gamma_{each.name}"]) for each in comparisons], axis=1)
    keys = [str(key).split("/") for key in counted["match_key"]]
    block = np.array([int(key[0]) for key in keys], dtype=np.int64)
    return Patterns(
        levels=_levels(comparisons, gamma, block),
        block=block,
        known=np.array([key[1] == "true" for key in keys]),
        pairs=np.asarray(counted["pairs"], dtype=np.float64),
        blocks=np.array([float(key[2]) for key in keys]),
        **_forbidden(comparisons, gamma, hand_typed=hand_typed),
    )


def _levels(
    comparisons: tuple[Comparison, ...], gamma: NDArray[Any], block: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Count levels from the best; Splink counts from the last. Unknown is -1 with both, and so is what is silent."""
    columns = []
    for place, each in enumerate(comparisons):
        silent = np.array([each.name in names for _, names in _BLOCKS])[block]
        levels = len(each.known_levels) - 1 - gamma[:, place].astype(np.int64)
        columns.append(np.where((gamma[:, place] < 0) | silent, -1, levels))
    return np.stack(columns, axis=1)


def _forbidden(
    comparisons: tuple[Comparison, ...], gamma: NDArray[Any], *, hand_typed: bool
) -> dict[str, NDArray[np.bool_]]:
    """Say which patterns are never one person's, and which only because of their birth dates."""
    never, by_date = np.zeros(len(gamma), dtype=np.bool_), np.zeros(len(gamma), dtype=np.bool_)
    for row, values in enumerate(gamma):
        found = {
            each.name: each.level_of(int(value)) for each, value in zip(comparisons, values, strict=True)
        }
        if not hand_typed:
            never[row] = contradicted(found)
        dateless = {name: level for name, level in found.items() if name != "birth_date"}
        by_date[row] = verdict(dateless, frozenset(), hand_typed=hand_typed) is Verdict.MERGE
    return {"never": never, "mergeable": by_date}


def imagined(comparison: Comparison) -> Floats:
    """Imagine what one person's records look like: mostly the same."""
    share = {Agreement.EXACT: 0.8, Agreement.ROUGH: 0.1, Agreement.WEAK: 0.05, Agreement.DIFFERENT: 0.05}
    kinds = [level.agreement for level in comparison.known_levels]
    begun = np.array([share[kind] / kinds.count(kind) for kind in kinds])
    return np.asarray(begun / begun.sum())


def _write_pairs(connection: "duckdb.DuckDBPyConnection") -> None:
    keys = ", ".join(f"{{block: {place}, key: {key}}}" for place, (key, _) in enumerate(_BLOCKS))
    connection.execute(_PAIRS.format(keys=keys), {"most": NARROW, "pairs": EM_PAIRS})


def _u(trained: list[dict[str, Any]]) -> Floats:
    """Read how often strangers show each level, with a floor under what was never seen."""
    shares = [level.get("u_probability") for level in trained if not level.get("is_null_level")]
    floored = np.array([max(each, RAREST) if isinstance(each, float) else RAREST for each in shares])
    return np.asarray(floored / floored.sum())


def _rounded(value: float) -> float:
    """Six figures: the last ones of a float differ with the number of threads."""
    return float(f"{value:.6g}")
