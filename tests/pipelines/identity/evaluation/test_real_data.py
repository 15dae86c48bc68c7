"""Resolution walks labelled data of others, and every error that it makes there is explained."""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import duckdb
import pytest

from messaging.settings import Settings
from pipelines.identity.evaluation.judge import Evaluation
from pipelines.identity.evaluation.overmerges import BY_UNKNOWN, UNEXPLAINED
from pipelines.identity.evaluation.run import evaluate_records
from pipelines.identity.evaluation.telling import overmerge_sentence, undermerge_sentence
from pipelines.identity.policy import load_policy

pytestmark = [pytest.mark.real_data, pytest.mark.slow]
DATA = Path(os.environ.get("RAPPORT_REAL_DATA", Path(__file__).parents[5] / "shared" / "data"))

# By name: the country of its phones, and queries over the folder `{data}` for the records and the truth. A
# national number is an external id of the authority that gave it out.
FEBRL3_TRUTH = """
    SELECT 'febrl3' AS source, rec_id AS source_record_id, split_part(rec_id, '-', 2) AS person_id
    FROM read_csv('{data}/identity_febrl3/dataset3.csv', all_varchar = true, normalize_names = true)
"""
FEBRL3 = """
    SELECT 'febrl3' AS source, rec_id AS source_record_id, trim(given_name) AS given_name,
        trim(surname) AS family_name, trim(soc_sec_id) AS external_id,
        try_strptime(trim(date_of_birth), '%Y%m%d')::DATE AS birth_date,
        concat_ws(' ', nullif(trim(street_number), ''), nullif(trim(address_1), '')) AS street,
        trim(suburb) AS city, trim(postcode) AS postcode
    FROM read_csv('{data}/identity_febrl3/dataset3.csv', all_varchar = true, normalize_names = true)
"""
SETS = {
    "fake1000": (
        "GB",
        """
        SELECT 'fake1000' AS source, unique_id AS source_record_id, first_name AS given_name,
            surname AS family_name, dob AS birth_date, city, email
        FROM read_csv('{data}/identity_splink_fake1000/fake_1000.csv', all_varchar = true)
        """,
        """
        SELECT 'fake1000' AS source, unique_id AS source_record_id, cluster AS person_id
        FROM read_csv('{data}/identity_splink_fake1000/fake_1000.csv', all_varchar = true)
        """,
    ),
    "febrl3": ("AU", FEBRL3, FEBRL3_TRUTH),
    "febrl3 without the number": ("AU", f"SELECT * EXCLUDE (external_id) FROM ({FEBRL3})", FEBRL3_TRUTH),
    "senzing": (
        "US",
        """
        SELECT DATA_SOURCE AS source, RECORD_ID AS source_record_id,
            coalesce(PRIMARY_NAME_FIRST, CASE WHEN RECORD_TYPE = 'PERSON'
                THEN regexp_extract(PRIMARY_NAME_FULL, '^(.*) ', 1) END) AS given_name,
            coalesce(PRIMARY_NAME_LAST, CASE WHEN RECORD_TYPE = 'PERSON'
                THEN regexp_extract(PRIMARY_NAME_FULL, '([^ ]+)$', 1) END, PRIMARY_NAME_ORG) AS family_name,
            coalesce(
                try_strptime(regexp_replace(DATE_OF_BIRTH, '/([0-9]{{2}})$', '/19\\1'), '%m/%d/%Y'),
                try_strptime(DATE_OF_BIRTH, '%Y-%m-%d')
            )::DATE AS birth_date,
            EMAIL_ADDRESS AS email, PHONE_NUMBER AS phone,
            coalesce(
                'passport-' || PASSPORT_COUNTRY || ':' || PASSPORT_NUMBER, 'ssn:' || SSN_NUMBER,
                'licence-' || DRIVERS_LICENSE_STATE || ':' || DRIVERS_LICENSE_NUMBER,
                'national-' || NATIONAL_ID_COUNTRY || ':' || NATIONAL_ID_NUMBER,
                'tax-' || TAX_ID_COUNTRY || ':' || TAX_ID_NUMBER, 'lei:' || LEI_NUMBER
            ) AS external_id,
            coalesce(ADDR_LINE1, ADDR_FULL) AS street, ADDR_CITY AS city, ADDR_POSTAL_CODE AS postcode
        FROM read_csv('{data}/identity_senzing/[crw]*.csv', all_varchar = true, union_by_name = true)
        """,
        """
        SELECT DATA_SOURCE AS source, RECORD_ID AS source_record_id, CLUSTER_ID AS person_id
        FROM read_csv('{data}/identity_senzing/actual_truthset_key.csv', all_varchar = true)
        """,
    ),
}
Evaluated = Callable[[str], Evaluation]


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    if not DATA.is_dir():
        pytest.skip(f"the real data sets are not at {DATA}; RAPPORT_REAL_DATA names another place")

    @cache
    def run(name: str) -> Evaluation:
        region, *queries = SETS[name]
        folder = tmp_path_factory.mktemp("labelled")
        paths = folder / "records.csv", folder / "truth.csv"
        with duckdb.connect() as connection:
            for path, query in zip(paths, queries, strict=True):
                connection.sql(query.format(data=DATA)).write_csv(str(path), header=True)
        return evaluate_records(*paths, Settings(RAPPORT_HOME=folder), load_policy(), region)

    return run


@pytest.mark.parametrize("name", SETS)
def test_every_error_is_explained_and_every_wrong_pair_counted_once(evaluated: Evaluated, name: str) -> None:
    found = evaluated(name)
    score = found.score
    assert sum(each.pairs for each in found.overmerges) == score.found_pairs - score.right_pairs
    assert sum(each.pairs for each in found.undermerges) == score.true_pairs - score.right_pairs
    assert not {each.cause for each in found.overmerges} & {UNEXPLAINED, BY_UNKNOWN}
    for over in found.overmerges:
        assert over.start is not None
        assert str(over.one) in overmerge_sentence(over, show_values=False)
    for under in found.undermerges:
        named = under.refused or under.shared or under.cause == "nothing shared"
        assert named, undermerge_sentence(under, show_values=False)


@pytest.mark.parametrize(
    ("name", "records", "people", "pairs"),
    [("fake1000", 1000, 251, 2031), ("febrl3", 5000, 2000, 6538), ("senzing", 159, None, None)],
)
def test_all_records_and_all_truth_are_taken(
    evaluated: Evaluated, name: str, records: int, people: int | None, pairs: int | None
) -> None:
    found = evaluated(name)
    assert found.score.records == records
    assert found.score.people == (people or found.score.people)
    assert found.score.true_pairs == (pairs or found.score.true_pairs)
    assert (found.coverage.without_truth, found.coverage.without_record) == (0, 0)


# Measured on 2026-11-22 by the shipped policy and weights: 1 / .444, 1 / .917, 1 / .625, .852 / .426.
@pytest.mark.parametrize(
    ("name", "precision", "recall"),
    [
        ("fake1000", 0.99, 0.42),
        ("febrl3", 0.999, 0.9),
        ("febrl3 without the number", 0.999, 0.6),
        ("senzing", 0.83, 0.4),
    ],
)
def test_it_is_as_right_on_data_of_others_as_it_was(
    evaluated: Evaluated, name: str, precision: float, recall: float
) -> None:
    score = evaluated(name).score
    assert score.precision >= precision
    assert score.recall >= recall
