"""`python -m benchmarks.linking parameters | febrl FILE`: train the shipped weights; measure against plain Splink.

`parameters` makes a sample company per seed, resolves it by its keys as a build does, trains on what is left
and writes the mean of what was learnt to pipelines/identity/linking/parameters.yaml (3 minutes).

`febrl` reads dataset3.csv of the FEBRL project, with and without its social-security number, trains on it and
links it: plain Splink at .95 in settings that were written down before ours, and ours. Both get the same
records, each in a process of its own, so that CPU seconds are comparable; imports are not counted.
"""

import json
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from messaging.settings import Settings
from pipelines.identity.evaluation.landed import land_tables
from pipelines.identity.identifiers import check_identifiers
from pipelines.identity.linking.comparisons import NAMED
from pipelines.identity.linking.model import SHIPPED, Calibration, LevelWeight, LinkModel
from pipelines.identity.linking.scoring import score_pairs
from pipelines.identity.linking.training import imagined, train
from pipelines.identity.matching import match_records
from pipelines.identity.policy import load_policy
from pipelines.samples.times import END
from pipelines.samples.world import make_world
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.dbt_runner import run_dbt
from pipelines.warehouse.state import attached_state

SEEDS, PEOPLE = (11, 12, 13, 14, 15), 4000
# Nobody moves house in the sample company, and nobody swaps names: what it shows is mixed with a tenth of what
# training begins with, or a new address would outweigh everything else anywhere.
UNTIDY = 0.1


def train_shipped() -> None:
    """Train on a sample company per seed and write the mean."""
    models = [_trained(seed) for seed in SEEDS]
    _mean(models).to_file(SHIPPED)
    print(f"{SHIPPED}: {len(models)} companies of {PEOPLE} people")


def _trained(seed: int) -> LinkModel:
    with tempfile.TemporaryDirectory(prefix="rapport-linking-") as folder:
        home = Settings().model_copy(update={"home": Path(folder)})
        world = make_world(PEOPLE, seed)
        home.build_path.parent.mkdir(parents=True, exist_ok=True)
        with open_warehouse(home.build_path) as connection:
            land_tables(connection, {name: world.tables[name] for name in world.owners})
        as_of = END.astype("M8[s]").astype(datetime).isoformat()
        run_dbt(home, select=["tag:before_identity"], as_of=as_of, full=False)
        models: list[LinkModel] = []
        with open_warehouse(home.build_path) as connection, attached_state(connection, home.state_path):
            check_identifiers(connection)
            match_records(connection, load_policy(), (), lambda here: _keep(here, models))
    return models[0]


def _keep(connection: "duckdb.DuckDBPyConnection", models: list[LinkModel]) -> None:
    """Stand where pairs are scored, learn, and link nothing."""
    models.append(train(connection))
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE linked_pairs (one_source VARCHAR, one_record VARCHAR, other_source VARCHAR,"
        " other_record VARCHAR, weight DOUBLE, probability DOUBLE, detail JSON, merges BOOLEAN)"
    )


def _mean(models: Sequence[LinkModel]) -> LinkModel:
    def mean(values: Sequence[float]) -> float:
        return float(f"{np.mean(values):.6g}")

    calibrations = [model.calibration for model in models]
    names = [name for name in models[0].comparisons if all(name in model.comparisons for model in models)]
    return LinkModel(
        trained_on={
            "command": "python -m benchmarks.linking parameters",
            "seeds": list(SEEDS),
            "records": sum(int(str(model.trained_on["records"])) for model in models),
            "people": sum(int(str(model.trained_on["people"])) for model in models),
        },
        hand_typed=False,
        matches_a_profile=mean([model.matches_a_profile for model in models]),
        comparisons={
            name: tuple(
                LevelWeight(
                    level=same[0].level,
                    m=float(f"{(1 - UNTIDY) * mean([each.m for each in same]) + UNTIDY * begun:.6g}"),
                    u=mean([each.u for each in same]),
                )
                for begun, *same in zip(
                    imagined(NAMED[name]), *(model.comparisons[name] for model in models), strict=True
                )
            )
            for name in names
        },
        calibration=Calibration(
            without_birth_date=mean([each.without_birth_date for each in calibrations]),
            birth_dates_agree=sum(each.birth_dates_agree for each in calibrations),
            birth_dates_differ=sum(each.birth_dates_differ for each in calibrations),
        ),
        merge_above=mean([model.merge_above for model in models]),
        review_above=mean([model.review_above for model in models]),
    )


_FEBRL = """
    CREATE TABLE febrl AS
    SELECT trim(rec_id) AS unique_id, split_part(rec_id, '-', 2) AS person_id,
        nullif(trim(given_name), '') AS given_name, nullif(trim(surname), '') AS surname,
        nullif(trim(street_number), '') AS street_number, nullif(trim(address_1), '') AS address_1,
        nullif(trim(suburb), '') AS suburb, nullif(trim(postcode), '') AS postcode,
        nullif(trim(state), '') AS state, nullif(trim(soc_sec_id), '') AS soc_sec_id,
        try_strptime(trim(date_of_birth), '%Y%m%d')::DATE AS date_of_birth
    FROM read_csv(?, all_varchar = true, normalize_names = true)
"""

_AS_RECORDS = """
    CREATE SCHEMA intermediate;
    CREATE TABLE intermediate.int_identity__records AS
    SELECT 'contacts' AS origin_table, 'febrl' AS source, unique_id AS source_record_id,
        TIMESTAMP '2020-01-01' AS occurred_at, given_name, surname AS family_name,
        date_of_birth AS birth_date, nullif(concat_ws(' ', street_number, address_1), '') AS street,
        suburb AS city, postcode
    FROM febrl;
    CREATE VIEW identifiers AS
    SELECT 'contacts' AS origin_table, 'febrl' AS source, unique_id AS source_record_id,
        TIMESTAMP '2020-01-01' AS occurred_at, 'external_id' AS identifier_type, soc_sec_id AS value,
        'febrl:' || soc_sec_id AS match_key, NULL::VARCHAR AS refused_reason
    FROM febrl
    WHERE soc_sec_id IS NOT NULL AND $numbered;
    CREATE TEMP TABLE resolved AS
    SELECT 'febrl' AS source, unique_id AS source_record_id,
        dense_rank() OVER (ORDER BY CASE WHEN $numbered THEN coalesce(soc_sec_id, unique_id) ELSE unique_id END)
            AS component
    FROM febrl
"""


_MERGING = """
    SELECT one.component AS one, other.component AS other
    FROM linked_pairs AS pairs
    JOIN resolved AS one ON one.source_record_id = pairs.one_record
    JOIN resolved AS other ON other.source_record_id = pairs.other_record
    WHERE pairs.merges
"""


def measure_febrl(file: Path) -> None:
    """Print both sides, with and without the number, each measured in a process of its own."""
    for numbered in ("with", "without"):
        rows = []
        for side in ("splink", "ours"):
            command = [sys.executable, "-W", "ignore", "-m", "benchmarks.linking", side, str(file), numbered]
            rows.append(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))
        ratio = rows[1]["cpu"] / rows[0]["cpu"]
        for row in rows:
            print(f"{numbered} number, {row['side']}: cluster F1 {row['f1']:.4f}, CPU {row['cpu']:.2f} s")
        print(f"{numbered} number: CPU {ratio:.2f} of Splink's")


def _load(file: Path) -> "duckdb.DuckDBPyConnection":
    connection = duckdb.connect(config={"threads": 2})
    connection.execute(_FEBRL, [str(file)])
    return connection


def linked_febrl(file: Path, *, numbered: bool) -> dict[str, Any]:
    """Train on the file, link it, and give CPU seconds and the pairwise F1 of clusters; `numbered` with its numbers."""
    import splink  # noqa: F401 - imports are not counted on either side

    connection = _load(file)
    connection.execute(_AS_RECORDS.replace("$numbered", str(numbered)))
    began = time.process_time()
    score_pairs(connection, train(connection, hand_typed=True), load_policy())
    cpu = time.process_time() - began
    people = connection.execute(
        "SELECT component, person_id FROM resolved JOIN febrl ON unique_id = source_record_id"
    ).fetchnumpy()
    pairs = connection.execute(_MERGING).fetchnumpy()
    return _result("ours", cpu, people["component"], people["person_id"], list(pairs.values()))


def _splink(file: Path, *, numbered: bool) -> dict[str, Any]:
    import splink.comparison_library as compare
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on
    from splink.blocking_rule_library import CustomRule

    logging.getLogger("splink").setLevel(logging.ERROR)
    connection = _load(file)
    connection.execute("ALTER TABLE febrl ALTER date_of_birth TYPE VARCHAR")
    number = [compare.DamerauLevenshteinAtThresholds("soc_sec_id", [1, 2])] if numbered else []
    same_number = [block_on("soc_sec_id")] if numbered else []
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[
            compare.NameComparison("given_name"),
            compare.NameComparison("surname"),
            compare.DateOfBirthComparison("date_of_birth", input_is_string=True),
            *number,
            compare.ExactMatch("street_number").configure(term_frequency_adjustments=True),
            compare.JaroWinklerAtThresholds("address_1", [0.92, 0.8]),
            compare.DamerauLevenshteinAtThresholds("postcode", [1, 2]).configure(
                term_frequency_adjustments=True
            ),
            compare.ExactMatch("state").configure(term_frequency_adjustments=True),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("given_name", "surname"),
            CustomRule("l.given_name = r.surname and l.surname = r.given_name"),
            block_on("date_of_birth"),
            *same_number,
            block_on("state", "address_1"),
            block_on("street_number", "address_1"),
            block_on("postcode"),
        ],
    )
    began = time.process_time()
    linker = Linker(DuckDBAPI(connection).register("febrl"), settings, log_level=None)
    certain: list[Any] = [block_on("given_name", "surname", "date_of_birth"), *same_number]
    linker.training.estimate_probability_two_random_records_match(certain, recall=0.8)
    linker.training.estimate_u_using_random_sampling(max_pairs=2e6, seed=1)
    for columns in (("date_of_birth",), ("postcode",), ("given_name", "surname")):
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(*columns))
    scored = linker.inference.predict(threshold_match_probability=0.95).physical_name
    cpu = time.process_time() - began
    people = connection.execute(
        "SELECT row_number() OVER (ORDER BY unique_id) AS number, person_id FROM febrl"
    ).fetchnumpy()
    pairs = connection.execute(
        "WITH numbers AS (SELECT unique_id, row_number() OVER (ORDER BY unique_id) AS number FROM febrl)"  # noqa: S608
        f" SELECT one.number, other.number FROM {scored}"
        " JOIN numbers AS one ON one.unique_id = unique_id_l JOIN numbers AS other ON other.unique_id = unique_id_r"
    ).fetchnumpy()
    return _result("splink", cpu, people["number"], people["person_id"], list(pairs.values()))


def _result(
    side: str,
    cpu: float,
    group: Any,
    person: Any,
    pairs: Sequence[Any],
) -> dict[str, Any]:
    """Put groups together that a pair ties, and score them pairwise."""
    one, other = (np.asarray(column, dtype=np.int64) for column in pairs)
    size = int(max(group.max(), one.max(initial=0), other.max(initial=0))) + 1
    graph = coo_array((np.ones(len(one)), (one, other)), shape=(size, size))
    cluster = connected_components(graph, directed=False)[1][np.asarray(group, dtype=np.int64)]
    _, person = np.unique(person, return_inverse=True)
    _, cells = np.unique(cluster.astype(np.int64) * (person.max() + 1) + person, return_counts=True)
    right, found, true = (_pairs(sizes) for sizes in (cells, np.bincount(cluster), np.bincount(person)))
    return {"side": side, "cpu": cpu, "f1": 2 * right / (found + true)}


def _pairs(sizes: NDArray[Any]) -> int:
    return int((sizes * (sizes - 1) // 2).sum())


def main() -> None:
    """Do what the first word asks."""
    match sys.argv[1:]:
        case ["parameters"]:
            train_shipped()
        case ["febrl", file]:
            measure_febrl(Path(file))
        case ["ours" | "splink" as side, file, numbered]:
            run = linked_febrl if side == "ours" else _splink
            print(json.dumps(run(Path(file), numbered=numbered == "with")))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
