"""Scored pairs: people that keys leave apart and that are probably one, with the evidence for each pair."""

import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pipelines.identity.linking.blocking import Blocking, Limits, write_candidates
from pipelines.identity.linking.comparisons import Agreement, Comparison
from pipelines.identity.linking.frequencies import settle_frequencies
from pipelines.identity.linking.merging import Verdict, verdict
from pipelines.identity.linking.model import LinkModel
from pipelines.identity.linking.profiles import write_profiles
from pipelines.identity.linking.session import splink_session

if TYPE_CHECKING:
    import duckdb

    from pipelines.identity.policy import Policy

NO_PAIRS = """
    CREATE OR REPLACE TEMP TABLE linked_pairs (
        one_source VARCHAR, one_record VARCHAR, other_source VARCHAR, other_record VARCHAR,
        one_person UBIGINT, other_person UBIGINT, weight DOUBLE, probability DOUBLE, detail JSON, merges BOOLEAN
    )
"""

_VERDICTS = """
    CREATE OR REPLACE TEMP TABLE linking_verdicts AS
    SELECT unnest($patterns::VARCHAR[]) AS pattern, unnest($verdicts::INTEGER[]) AS verdict,
        unnest($certainty::DOUBLE[]) AS certainty
"""

# The best pair of two people, by what it may become and then by weight; the rest of the order is only there to
# be the same every time. A weight is rounded: its last bits depend on how a sum was split among threads.
_BEST = """
    CREATE OR REPLACE TEMP TABLE linking_best AS
    WITH judged AS (
        SELECT scored.*, one.person AS one_person, other.person AS other_person,
            verdicts.verdict, round(match_weight, 6) AS weight,
            round(verdicts.certainty / (1 + pow(2, -match_weight)), 6) AS probability
        FROM linking_scored AS scored
        JOIN linking_verdicts AS verdicts USING (pattern)
        JOIN linking_profiles AS one ON one.profile = scored.profile_l
        JOIN linking_profiles AS other ON other.profile = scored.profile_r
        WHERE verdicts.verdict > 0
    )
    SELECT *
    FROM judged
    WHERE probability >= $review_above
    QUALIFY row_number() OVER (
        PARTITION BY least(one_person, other_person), greatest(one_person, other_person)
        ORDER BY verdict DESC, weight DESC, profile_l, profile_r
    ) = 1
"""

_LINKED = """
    INSERT INTO linked_pairs BY NAME
    SELECT
        one.source AS one_source, one.source_record_id AS one_record,
        other.source AS other_source, other.source_record_id AS other_record,
        best.one_person, best.other_person, best.weight, best.probability, detail,
        best.verdict = $merge AND best.probability >= $merge_above AS merges
    FROM linking_details AS best
    JOIN linking_profiles AS one ON one.profile = best.profile_l
    JOIN linking_profiles AS other ON other.profile = best.profile_r
    ORDER BY best.profile_l, best.profile_r
"""


@dataclass(frozen=True)
class ScoredPairs:
    """What scoring found; the pairs themselves are in the temporary table `linked_pairs`."""

    profiles: int
    compared: int
    skipped_blocks: int
    skipped_profiles: int
    merging: int
    to_review: int

    def to_document(self) -> dict[str, int]:
        """Give the counts as plain data."""
        return asdict(self)


def score_pairs(
    connection: "duckdb.DuckDBPyConnection",
    model: LinkModel,
    policy: "Policy",
    identifiers: str = "identifiers",
    limits: Limits | None = None,
) -> ScoredPairs:
    """Compare the people in `resolved` and leave `linked_pairs`, one row for two people that may be one.

    `one_source`, `one_record` and `other_*` name a record of each, `weight` is in bits (log2 of the odds),
    `probability` is calibrated, `detail` is JSON as in table identity_evidence, and `merges` tells what may be
    merged from what a person should look at. Thresholds are the policy's, or where it says nothing the model's.
    """
    connection.execute(NO_PAIRS)
    profiles = write_profiles(connection, identifiers)
    blocking = write_candidates(connection, limits)
    if blocking.pairs:
        weighed_for = settle_frequencies(connection, frequency_columns(model))
        score_candidates(connection, model, policy, weighed_for)
        judge_pairs(connection, model, policy, weighed_for)
    return _counted(connection, profiles, blocking)


def score_candidates(
    connection: "duckdb.DuckDBPyConnection", model: LinkModel, policy: "Policy", profiles: int
) -> None:
    """Weigh `linking_candidates`, pairs of `linking_profiles`, as for so many profiles: `linking_scored`.

    Pairs that weigh too little for anybody to look at are left out, nineteen of twenty: at ten million records writing
    them down took 17 GB of disk (2026-11-22).
    """
    from splink import Linker

    compared = model.compared
    with splink_session(connection) as splink:
        linker = Linker(
            splink.register("linking_profiles"),
            model.to_splink(profiles),
            log_level=None,
            validate_settings=False,
        )
        for column in frequency_columns(model):
            linker.table_management.register_term_frequency_lookup(
                splink.register(f"linking_tf_{column}"), column
            )
        linker.table_management.register_blocked_pairs_for_predict(splink.register("linking_candidates"))
        scored = linker.inference.predict(
            threshold_match_weight=_least_weight(model, policy), warning_mode="never"
        ).physical_name
        gammas = " || '/' || ".join(f"gamma_{each.name}" for each in compared)
        weights = ", ".join(_weight_of(each) for each in compared)
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE linking_scored AS"  # noqa: S608 - the names are our own
            f" SELECT profile_l, profile_r, match_weight, {gammas} AS pattern, {weights} FROM {scored}"
        )


def frequency_columns(model: LinkModel) -> list[str]:
    """Name the columns whose values weigh more, the rarer they are."""
    return sorted(
        {level.frequency_of for each in model.compared for level in each.levels if level.frequency_of}
    )


def _weight_of(comparison: Comparison) -> str:
    adjusted = any(level.frequency_of for level in comparison.levels)
    adjustment = f" + mw_tf_adj_{comparison.name}" if adjusted else ""
    return f"round(mw_{comparison.name}{adjustment}, 3) AS weight_{comparison.name}"


def judge_pairs(
    connection: "duckdb.DuckDBPyConnection", model: LinkModel, policy: "Policy", profiles: int
) -> None:
    """Add to `linked_pairs` what became of `linking_scored`: the best pair of two people, if it may be one person."""
    found = connection.execute("SELECT DISTINCT pattern FROM linking_scored ORDER BY pattern").fetchall()
    linking = frozenset(policy.linking())
    patterns = [str(pattern) for (pattern,) in found]
    verdicts, certainty = [], []
    for pattern in patterns:
        levels = {
            each.name: each.level_of(int(value))
            for each, value in zip(model.compared, pattern.split("/"), strict=True)
        }
        verdicts.append(verdict(levels, linking, hand_typed=model.hand_typed).value)
        dated = "birth_date" in levels and levels["birth_date"].agreement is not Agreement.UNKNOWN
        certainty.append(1.0 if dated else model.calibration.without_birth_date)
    connection.execute(_VERDICTS, {"patterns": patterns, "verdicts": verdicts, "certainty": certainty})
    connection.execute(_BEST, {"review_above": _review_above(model, policy)})
    _write_details(connection, model, model.prior(profiles))
    connection.execute(_LINKED, {"merge": Verdict.MERGE.value, "merge_above": _merge_above(model, policy)})


def _merge_above(model: LinkModel, policy: "Policy") -> float:
    return policy.probabilistic.merge_above or model.merge_above


def _review_above(model: LinkModel, policy: "Policy") -> float:
    return min(policy.probabilistic.review_above or model.review_above, _merge_above(model, policy))


def _least_weight(model: LinkModel, policy: "Policy") -> float:
    """Give the weight in bits that a pair needs at least: without it, no certainty makes the pair probable enough."""
    least = max(_review_above(model, policy) - 1e-6, 1e-9)  # probabilities are rounded to six digits
    return math.log2(least / (1 - least))


def _write_details(connection: "duckdb.DuckDBPyConnection", model: LinkModel, prior: float) -> None:
    """Write down how each weight came about, so that nobody has to ask the model again."""
    rows = ", ".join(_shown(place, each) for place, each in enumerate(model.compared))
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE linking_details AS"  # noqa: S608 - the words are our own
        " SELECT best.*, to_json({probability: best.probability,"
        f" prior_weight: {math.log2(prior / (1 - prior)):.3f}, comparisons:"
        f" list_filter([{rows}], lambda each: each.label IS NOT NULL)}}) AS detail"
        " FROM linking_best AS best"
        " JOIN linking_profiles AS one ON one.profile = best.profile_l"
        " JOIN linking_profiles AS other ON other.profile = best.profile_r"
    )


def _shown(place: int, comparison: Comparison) -> str:
    labels = json.dumps([level.label for level in reversed(comparison.known_levels)]).replace("'", "''")
    gamma = f"split_part(best.pattern, '/', {place + 1})::INTEGER"
    label = f"CASE WHEN {gamma} >= 0 THEN (from_json('{labels}', '[\"VARCHAR\"]'))[{gamma} + 1] END"
    return (
        f"{{name: '{comparison.name}', label: {label}, weight: best.weight_{comparison.name},"
        f" 'left': one.{comparison.shown}::VARCHAR, 'right': other.{comparison.shown}::VARCHAR}}"
    )


def _counted(connection: "duckdb.DuckDBPyConnection", profiles: int, blocking: Blocking) -> ScoredPairs:
    merging, to_review = connection.execute(
        "SELECT count(*) FILTER (WHERE merges), count(*) FILTER (WHERE NOT merges) FROM linked_pairs"
    ).fetchall()[0]
    return ScoredPairs(
        profiles=profiles,
        compared=blocking.pairs,
        skipped_blocks=blocking.skipped_blocks,
        skipped_profiles=blocking.skipped_profiles,
        merging=int(merging),
        to_review=int(to_review),
    )
