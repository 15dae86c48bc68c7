"""How well policies keep people together and apart on noisy records: anchors, and the policy of this repository."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from time import process_time
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchmarks.identity.noise import KINDS, NONE, Records, noisy_records
from benchmarks.identity.table import Row, Section, Verdict
from pipelines.identity.evaluation.score import Score, score
from pipelines.identity.graph import NO_LIMIT, Graph, Rules
from pipelines.identity.matching import match_records
from pipelines.identity.policy import IdentifierPolicy, Policy, load_policy
from pipelines.identity.resolve import resolve

if TYPE_CHECKING:
    import duckdb

Labels = NDArray[np.int64]
MANY_NEIGHBOURS = 50  # dbt-nexus: critical
SEGMENT_LIMITS = (1, 5, 5, 10)  # near Segment's defaults; without its time windows, in one batch


@dataclass(frozen=True)
class Outcome:
    """What one way of merging made of one company."""

    way: str
    seed: int
    score: Score
    plain_recall: float
    cpu_seconds: float

    @property
    def kept_recall(self) -> float:
        """Recall as a share of what plain components find."""
        return self.score.recall / self.plain_recall


@dataclass(frozen=True)
class Keyed:
    """Records by the places of their values: a column per kind in `node`, NONE where a record has none.

    Edges lead from each record's strongest value (its anchor) to its others; `count` records say each.
    """

    kind: NDArray[np.int16]
    node: NDArray[np.int64]
    one: NDArray[np.int64]
    other: NDArray[np.int64]
    count: NDArray[np.int64]

    @classmethod
    def of(cls, keys: NDArray[np.int64]) -> "Keyed":
        """Tie the strongest value of each record to its others; `keys` has a column per kind."""
        offset = np.cumsum(keys.max(axis=0, initial=0) + 1)
        numbered = np.where(keys == NONE, NONE, keys + np.concatenate([[0], offset[:-1]]))
        values = np.unique(numbered[numbered != NONE])
        node = np.where(numbered == NONE, NONE, np.searchsorted(values, numbered))
        anchor = _anchor(node)
        tied = (node != NONE) & (node != anchor[:, None])
        pairs = np.broadcast_to(anchor[:, None], node.shape)[tied] * len(values) + node[tied]
        edges, count = np.unique(pairs, return_counts=True)
        kind = np.searchsorted(offset, values, side="right").astype(np.int16)
        return cls(kind, node, edges // len(values), edges % len(values), count)

    def grouped(self, limits: tuple[int, ...] = ()) -> Labels:
        """Group records by all edges, or, with limits per kind, by those that keep them; the strongest first."""
        everyone = np.arange(len(self.kind))
        counts_for = self.kind if limits else np.full(len(self.kind), NO_LIMIT, dtype=np.int16)
        one, other = np.concatenate([self.one, everyone]), np.concatenate([self.other, everyone])
        graph = Graph.of(
            one,
            other,
            (counts_for[one], counts_for[other]),
            self.kind[other] + 1,
            np.concatenate([self.count, np.ones(len(everyone), dtype=np.int64)]),
        )
        group = resolve(graph, Rules(limits=limits)).persons(everyone.astype(np.uint64)).astype(np.int64)
        anchor = _anchor(self.node)
        alone = np.arange(len(anchor)) + len(everyone)  # a record without a value
        return np.where(anchor == NONE, alone, group[anchor])


def _anchor(node: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.asarray(node[np.arange(len(node)), (node != NONE).argmax(axis=1)], dtype=np.int64)


def plain(records: Records) -> Labels:
    """Follow every edge."""
    return Keyed.of(records.keys).grouped()


def degree_cap(records: Records) -> Labels:
    """Forget values with too many neighbours, and follow every edge of the others."""
    keyed = Keyed.of(records.keys)
    crowded = np.bincount(np.concatenate([keyed.one, keyed.other])) > MANY_NEIGHBOURS
    forgotten = (keyed.node != NONE) & np.append(crowded, np.zeros(len(keyed.kind), dtype=bool))[keyed.node]
    return Keyed.of(np.where(forgotten, NONE, records.keys)).grouped()


def segment_like(records: Records) -> Labels:
    """Follow the strongest edges first, and none that takes a profile over a limit."""
    return Keyed.of(records.keys).grouped(SEGMENT_LIMITS)


# The two tables that dbt hands to the identity step. No record has a name or a birth date: identifiers alone.
_RECORDS = """
    CREATE TABLE intermediate.int_identity__records AS
    SELECT 'events' AS origin_table, 'noise' AS source, record::VARCHAR AS source_record_id,
        TIMESTAMP '2026-01-01' + to_seconds(record) AS occurred_at,
        NULL::VARCHAR AS given_name, NULL::VARCHAR AS family_name, NULL::DATE AS birth_date,
        NULL::VARCHAR AS street, NULL::VARCHAR AS city, NULL::VARCHAR AS postcode, NULL::VARCHAR AS country
    FROM (SELECT unnest(range(?)) AS record)
"""

_IDENTIFIERS = """
    CREATE TABLE identifiers AS
    SELECT 'events' AS origin_table, 'noise' AS source, record::VARCHAR AS source_record_id,
        TIMESTAMP '2026-01-01' + to_seconds(record) AS occurred_at, identifier_type,
        'noise:' || value AS value, 'noise:' || value AS match_key, NULL::VARCHAR AS refused_reason
    FROM (
        SELECT unnest(?::BIGINT[]) AS record, unnest(?::VARCHAR[]) AS identifier_type,
            unnest(?::BIGINT[]) AS value
    )
"""

_COMPONENTS = """
    SELECT component FROM resolved ORDER BY source_record_id::BIGINT
"""


def devices_tie(shipped: Policy) -> Policy:
    """Let devices tie records too, under the rules that the shipped policy has for phones.

    As shipped they tie nobody; plain components, with which recall is compared, follow them.
    """
    phone = shipped.identifiers["phone"]
    device = IdentifierPolicy(
        priority=shipped.identifiers["device_id"].priority,
        names_a_person=True,
        per_person=5,
        beside=phone.beside,
        most_neighbours=phone.most_neighbours,
    )
    return shipped.model_copy(update={"identifiers": {**shipped.identifiers, "device_id": device}})


def resolved_by(policy: Policy, records: Records, threads: int = 2) -> tuple[Labels, float]:
    """Resolve records as a build does, from the tables that dbt prepares; give CPU seconds beside."""
    import duckdb

    with duckdb.connect(config={"threads": threads}) as connection:
        _load(connection, records)
        begun = process_time()
        match_records(connection, policy)
        spent = process_time() - begun
        return np.asarray(connection.execute(_COMPONENTS).fetchnumpy()["component"], dtype=np.int64), spent


def _load(connection: "duckdb.DuckDBPyConnection", records: Records) -> None:
    record, kind = np.nonzero(records.keys != NONE)
    connection.execute("CREATE SCHEMA intermediate")
    connection.execute(_RECORDS, [len(records)])
    names = np.array(KINDS, dtype=object)[kind].tolist()
    connection.execute(_IDENTIFIERS, [record, names, records.keys[record, kind]])


ANCHORS: dict[str, Callable[[Records], Labels]] = {
    "plain components": plain,
    f"values of over {MANY_NEIGHBOURS} neighbours dropped": degree_cap,
    "limits {}/{}/{}/{} alone".format(*SEGMENT_LIMITS): segment_like,
}
OURS = "ours, devices tie too"
AS_SHIPPED = "ours as shipped, devices tie nobody"


def merge_noise(people: int, seeds: Sequence[int]) -> Iterator[Outcome]:
    """Merge a company of each seed in each way."""
    shipped = load_policy()
    for seed in seeds:
        records = noisy_records(people, seed)
        plain_recall = 1.0
        for way, merge in ANCHORS.items():
            begun = process_time()
            found = merge(records)
            spent = process_time() - begun
            judged = score(found, records.person)
            plain_recall = judged.recall if merge is plain else plain_recall
            yield Outcome(way, seed, judged, plain_recall, spent)
        for way, policy in ((OURS, devices_tie(shipped)), (AS_SHIPPED, shipped)):
            found, spent = resolved_by(policy, records)
            yield Outcome(way, seed, score(found, records.person), plain_recall, spent)


def noise_section(people: int, seeds: Sequence[int]) -> Section:
    """Merge a company of each seed in each way, and hold ours against what the issue asks."""
    outcomes = list(merge_noise(people, seeds))
    ways = list(dict.fromkeys(each.way for each in outcomes))
    ours = [each for each in outcomes if each.way == OURS]
    precisions = [each.score.precision for each in ours]
    verdicts = [
        Verdict("precision, ours, median", median(precisions), 0.98, at_least=True),
        Verdict("precision, ours, worst", min(precisions), 0.97, at_least=True),
        Verdict(
            "recall over plain components', ours, median",
            median(each.kept_recall for each in ours),
            0.985,
            at_least=True,
        ),
        Verdict(
            "people in the largest cluster, ours, worst", max(each.score.most_people for each in ours), 5
        ),
    ]
    rows = [_row([each for each in outcomes if each.way == way]) for way in ways]
    title = f"{people:,} people with kiosks, placeholders and household phones"
    return Section(title, seeds, rows, verdicts)


def _row(outcomes: Sequence[Outcome]) -> Row:
    precisions = [each.score.precision for each in outcomes]
    return Row(
        outcomes[0].way,
        median(each.cpu_seconds for each in outcomes),
        figures={
            "P median": median(precisions),
            "worst": min(precisions),
            "R/plain median": median(each.kept_recall for each in outcomes),
            "worst R/plain": min(each.kept_recall for each in outcomes),
            "R median": median(each.score.recall for each in outcomes),
            "largest, people": max(each.score.most_people for each in outcomes),
        },
    )
