"""How right resolution is on labelled records of others, and on the sample company."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import duckdb
import numpy as np

from benchmarks.identity.table import Row, Section, Verdict
from messaging.settings import read_settings
from pipelines.identity.evaluation.ceiling import tied
from pipelines.identity.evaluation.judge import Evaluation, causes, judge
from pipelines.identity.evaluation.landed import land_tables
from pipelines.identity.evaluation.run import evaluate_records, resolve_landed, throwaway_home
from pipelines.identity.evaluation.score import Score, score
from pipelines.identity.policy import load_policy
from pipelines.samples.times import END
from pipelines.samples.truth import write_truth
from pipelines.samples.world import make_world
from pipelines.warehouse.connection import open_warehouse

FOLDER = Path(os.environ.get("RAPPORT_REAL_DATA", Path(__file__).parents[3] / "shared" / "data"))


@dataclass(frozen=True)
class Labelled:
    """A public set of labelled records: queries that give records and truth of its folder, and a region."""

    title: str
    folder: str
    region: str
    records: str
    truth: str

    @property
    def is_here(self) -> bool:
        """Say whether this machine has it."""
        return (FOLDER / self.folder).is_dir()


SENZING = Labelled(
    "Senzing's truth set",
    "identity_senzing",
    "US",
    """
    SELECT DATA_SOURCE AS source, RECORD_ID AS source_record_id,
        coalesce(PRIMARY_NAME_FIRST, regexp_extract(PRIMARY_NAME_FULL, '^(.*) ', 1)) AS given_name,
        coalesce(PRIMARY_NAME_LAST, regexp_extract(PRIMARY_NAME_FULL, '([^ ]+)$', 1)) AS family_name,
        coalesce(
            try_strptime(DATE_OF_BIRTH, '%m/%d/%Y'), try_strptime(DATE_OF_BIRTH, '%Y-%m-%d')
        )::DATE AS birth_date,
        EMAIL_ADDRESS AS email, PHONE_NUMBER AS phone, coalesce(ADDR_LINE1, ADDR_FULL) AS street,
        ADDR_CITY AS city, ADDR_POSTAL_CODE AS postcode
    FROM read_csv('{folder}/[crw]*.csv', all_varchar = true, union_by_name = true)
    """,
    """
    SELECT DATA_SOURCE AS source, RECORD_ID AS source_record_id, CLUSTER_ID AS person_id
    FROM read_csv('{folder}/actual_truthset_key.csv', all_varchar = true)
    """,
)
FAKE_1000 = Labelled(
    "Splink's fake_1000",
    "identity_splink_fake1000",
    "GB",
    """
    SELECT 'fake1000' AS source, unique_id AS source_record_id, first_name AS given_name,
        surname AS family_name, dob AS birth_date, city, email
    FROM read_csv('{folder}/fake_1000.csv', all_varchar = true)
    """,
    """
    SELECT 'fake1000' AS source, unique_id AS source_record_id, cluster AS person_id
    FROM read_csv('{folder}/fake_1000.csv', all_varchar = true)
    """,
)


def labelled_section(labelled: Labelled) -> Section:
    """Judge what a build makes of a public set, and say what each error comes from."""
    with TemporaryDirectory(prefix="rapport-bench-") as folder:
        paths = Path(folder) / "records.csv", Path(folder) / "truth.csv"
        with duckdb.connect() as connection:
            for path, query in zip(paths, (labelled.records, labelled.truth), strict=True):
                found = connection.sql(query.format(folder=FOLDER / labelled.folder))
                found.write_csv(str(path), header=True)
        wall, cpu = perf_counter(), process_time()
        judged = evaluate_records(*paths, read_settings(), load_policy(), labelled.region)
        row = _row("ours as shipped", judged.score, process_time() - cpu, perf_counter() - wall)
    return Section(labelled.title, [], [row], notes=_explained(judged))


def _explained(judged: Evaluation) -> list[str]:
    ceiling = judged.ceiling
    return [
        f"recall ceiling: {ceiling.identifiers:.4f} by identifiers, {ceiling.attributes:.4f} by attributes too",
        *(
            f"{sort}: {each['cause']} ({each['count']} times, {each['pairs']} pairs)"
            for sort, mistakes in (("over-merge", judged.overmerges), ("under-merge", judged.undermerges))
            for each in causes(mistakes)
        ),
    ]


def _row(way: str, found: Score, cpu: float | None = None, wall: float | None = None) -> Row:
    figures = {
        "P": found.precision,
        "R": found.recall,
        "F1": found.f1,
        "exact clusters F1": found.whole.f1,
        "largest, people": found.most_people,
    }
    return Row(way, cpu, wall, figures=figures)


# What anybody would write first: the same normalised e-mail or the same normalised phone. Records and what
# they share, as numbers; `judged` is what `judge` leaves.
_SHARED = """
    SELECT judged.record, hash(identifier_type, match_key) AS tie
    FROM judged JOIN intermediate.int_identity__identifiers USING (source, source_record_id)
    WHERE identifier_type IN ('email', 'phone')
"""


@dataclass(frozen=True)
class Company:
    """One sample company: ours judged, and the join on e-mail or phone."""

    seed: int
    ours: Evaluation
    joined: Score
    cpu_seconds: float


def company_section(people: int, seeds: Sequence[int]) -> Section:
    """Resolve a sample company of each seed as a build does."""
    companies = [_company(people, seed) for seed in seeds]
    rows = []
    for each in companies:
        ceiling = each.ours.ceiling
        ours = _row(f"ours, seed {each.seed}", each.ours.score, each.cpu_seconds)
        share = {"R ceiling": ceiling.attributes, "R of it": each.ours.score.recall / ceiling.attributes}
        rows.append(_row(f"e-mail or phone alone, seed {each.seed}", each.joined))
        rows.append(Row(ours.way, ours.cpu_seconds, figures=ours.figures | share))
    shares = [each.ours.score.recall / each.ours.ceiling.attributes for each in companies]
    precisions = [each.ours.score.precision for each in companies]
    verdicts = [
        Verdict("precision, ours, median", median(precisions), 0.99, at_least=True),
        Verdict("precision, ours, worst", min(precisions), 0.99, at_least=True),
        Verdict("recall over the ceiling, ours, median", median(shares), 0.9, at_least=True),
        Verdict("recall over the ceiling, ours, worst", min(shares), 0.9, at_least=True),
    ]
    notes = [f"seed {each.seed}: {line}" for each in companies for line in _explained(each.ours)]
    return Section(f"sample company of {people:,} people", seeds, rows, verdicts, notes)


def _company(people: int, seed: int) -> Company:
    policy = load_policy()
    with throwaway_home(read_settings()) as home:
        world = make_world(people, seed)
        write_truth(world, home.home / "truth")
        with open_warehouse(home.build_path) as connection:
            land_tables(connection, world.tables)
        cpu = process_time()
        resolve_landed(home, policy, END.item())
        cpu = process_time() - cpu
        with open_warehouse(home.build_path, read_only=True) as connection:
            ours = judge(connection, home.home / "truth" / "identity.parquet", policy)
            return Company(seed, ours, _joined(connection), cpu)


def _joined(connection: duckdb.DuckDBPyConnection) -> Score:
    person = np.asarray(
        connection.execute("SELECT person FROM judged ORDER BY record").fetchnumpy()["person"]
    )
    shared = connection.execute(_SHARED).fetchnumpy()
    return score(tied(len(person), np.asarray(shared["record"]), np.asarray(shared["tie"])), person)
