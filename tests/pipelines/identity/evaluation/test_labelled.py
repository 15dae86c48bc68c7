"""Files of records and truth: what is taken, and what is refused in one sentence."""

from pathlib import Path

import duckdb
import pytest

from data_contracts.errors import InputError
from pipelines.identity.evaluation.labelled import RECORD_COLUMNS, load_records, load_truth


def load(path: Path) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        load_records(connection, path, "records")
        return connection.execute("SELECT * FROM records ORDER BY source_record_id").fetchall()


def test_columns_that_a_file_lacks_are_null(tmp_path: Path) -> None:
    path = tmp_path / "records.csv"
    path.write_text("source,source_record_id,email,occurred_at\na,1,ann@x,2026-01-01\na,2,,yesterday\n")
    first, second = (dict(zip(RECORD_COLUMNS, row, strict=True)) for row in load(path))
    assert first["email"] == "ann@x"
    assert str(first["occurred_at"]) == "2026-01-01 00:00:00"
    assert first["phone"] is None
    assert second["occurred_at"] is None


def test_parquet_does_as_well(tmp_path: Path) -> None:
    path = tmp_path / "records.parquet"
    with duckdb.connect() as connection:
        connection.sql("SELECT 'a' AS source, 7 AS source_record_id, 'x' AS phone").write_parquet(str(path))
    assert load(path)[0][:2] == ("a", "7")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "is empty"),
        ("\n", "has no column source"),
        ("source,email\na,b\n", "has no column source_record_id; it has source, email"),
        ("source,source_record_id\n", "has no rows"),
        (
            "source,source_record_id\na,1\na,1\n",
            "names 1 of its records more than once; a/1 stands there 2 times",
        ),
        ("source,source_record_id\na,1\na,\n", "has 1 of 2 rows without a source_record_id"),
    ],
)
def test_a_file_of_another_shape_is_refused_in_one_sentence(
    tmp_path: Path, content: str, sentence: str
) -> None:
    path = tmp_path / "records.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=sentence):
        load(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no file"):
        load(tmp_path / "records.csv")


def test_bytes_that_are_no_parquet_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "records.parquet"
    path.write_bytes(b"PAR1 not really")
    with pytest.raises(InputError, match="cannot be read as CSV or parquet"):
        load(path)


def test_truth_has_to_name_a_person(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("source,source_record_id\na,1\n")
    with duckdb.connect() as connection, pytest.raises(InputError, match="no column person_id"):
        load_truth(connection, path, "truth")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("a,1,ann\na,1,bob\n", "names 1 of its records more than once; a/1 stands there 2 times"),
        ("a,1,ann\na,2, \n", "has 1 of 2 rows without a person_id"),
        ("", "has no rows"),
    ],
)
def test_truth_says_of_each_record_once_whose_it_is(tmp_path: Path, content: str, sentence: str) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("source,source_record_id,person_id\n" + content)
    with duckdb.connect() as connection, pytest.raises(InputError, match=sentence):
        load_truth(connection, path, "truth")
