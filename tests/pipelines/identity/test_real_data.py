"""Resolution walks labelled data of others, on exact keys alone."""

import os
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from pipelines.identity.evaluate import Score, evaluate_records

pytestmark = pytest.mark.real_data
DATA = Path(os.environ.get("RAPPORT_REAL_DATA", Path(__file__).parents[4] / "shared" / "data"))

# Each pair of queries is (records, truth) over the folder `{data}`; a national number is an external id.
FAKE1000 = (
    """
    SELECT 'fake1000' AS source, unique_id AS source_record_id, first_name AS given_name,
        surname AS family_name, dob AS birth_date, city, email
    FROM read_csv('{data}/identity_splink_fake1000/fake_1000.csv', all_varchar = true)
    """,
    """
    SELECT 'fake1000' AS source, unique_id AS source_record_id, cluster AS person_id
    FROM read_csv('{data}/identity_splink_fake1000/fake_1000.csv', all_varchar = true)
    """,
)
FEBRL3 = (
    """
    SELECT 'febrl3' AS source, rec_id AS source_record_id, trim(given_name) AS given_name,
        trim(surname) AS family_name, trim(soc_sec_id) AS external_id, trim(postcode) AS postcode
    FROM read_csv('{data}/identity_febrl3/dataset3.csv', all_varchar = true, normalize_names = true)
    """,
    """
    SELECT 'febrl3' AS source, rec_id AS source_record_id, split_part(rec_id, '-', 2) AS person_id
    FROM read_csv('{data}/identity_febrl3/dataset3.csv', all_varchar = true, normalize_names = true)
    """,
)
SENZING = (
    """
    SELECT DATA_SOURCE AS source, RECORD_ID AS source_record_id, PRIMARY_NAME_FIRST AS given_name,
        PRIMARY_NAME_LAST AS family_name, EMAIL_ADDRESS AS email, PHONE_NUMBER AS phone
    FROM read_csv('{data}/identity_senzing/[crw]*.csv', all_varchar = true, union_by_name = true)
    """,
    """
    SELECT DATA_SOURCE AS source, RECORD_ID AS source_record_id, CLUSTER_ID AS person_id
    FROM read_csv('{data}/identity_senzing/actual_truthset_key.csv', all_varchar = true)
    """,
)


@pytest.fixture
def evaluated(tmp_path: Path) -> Callable[[tuple[str, str], str], Score]:
    if not DATA.is_dir():
        pytest.skip(f"the real data sets are not at {DATA}; RAPPORT_REAL_DATA names another place")

    def run(queries: tuple[str, str], region: str) -> Score:
        paths = tmp_path / "records.csv", tmp_path / "truth.csv"
        with duckdb.connect() as connection:
            for path, query in zip(paths, queries, strict=True):
                connection.sql(query.format(data=DATA)).write_csv(str(path), header=True)
        return evaluate_records(*paths, default_region=region)

    return run


def test_fake1000_finds_a_third_of_the_pairs_by_e_mail_and_none_wrongly(
    evaluated: Callable[[tuple[str, str], str], Score],
) -> None:
    score = evaluated(FAKE1000, "GB")
    assert (score.records, score.people) == (1000, 251)
    assert score.precision == 1
    assert score.recall > 0.33


def test_febrl3_finds_most_pairs_by_number(evaluated: Callable[[tuple[str, str], str], Score]) -> None:
    score = evaluated(FEBRL3, "AU")
    assert (score.records, score.people, score.true_pairs) == (5000, 2000, 6538)
    assert score.f1 > 0


def test_senzing_loads_three_files_of_one_truth(evaluated: Callable[[tuple[str, str], str], Score]) -> None:
    score = evaluated(SENZING, "US")
    assert score.records == 159
    assert score.f1 > 0
