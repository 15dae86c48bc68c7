"""dbt runs inside our process: which project its manifest is of, and what a model that fails leaves."""

from pathlib import Path

import duckdb
import pytest

from messaging.settings import read_settings
from pipelines.warehouse import dbt_runner
from pipelines.warehouse.dbt_runner import project_hash, run_dbt


def test_the_same_project_elsewhere_is_another_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A parsed seed names its file by the whole path, and a home may be used from another checkout."""
    here = project_hash()
    (tmp_path / "dbt_project").symlink_to(dbt_runner.PROJECT)
    monkeypatch.setattr(dbt_runner, "PROJECT", tmp_path / "dbt_project")
    assert project_hash() != here


def test_a_model_that_fails_keeps_the_table_of_the_build_before(tmp_path: Path) -> None:
    settings = read_settings(home=tmp_path)
    settings.build_path.parent.mkdir(parents=True)
    with duckdb.connect(str(settings.build_path)) as warehouse:
        warehouse.execute("CREATE SCHEMA staging")
        warehouse.execute("CREATE TABLE staging.stg_landing__consents AS SELECT 'of before' AS what")
    results = run_dbt(settings, select=["stg_landing__consents"], as_of="2026-10-30T12:00:00", full=False)
    assert [result.name for result in results if result.failed] == [
        "stg_landing__consents"
    ]  # nothing has landed
    with duckdb.connect(str(settings.build_path)) as warehouse:
        assert warehouse.execute("FROM staging.stg_landing__consents").fetchall() == [("of before",)]


@pytest.mark.parametrize("repeated", ["old", None])
def test_a_key_that_stands_twice_or_is_empty_lands_nothing_and_its_rows_are_counted(
    repeated: str | None, tmp_path: Path
) -> None:
    settings = read_settings(home=tmp_path)
    settings.build_path.parent.mkdir(parents=True)
    with duckdb.connect(str(settings.build_path)) as warehouse:
        warehouse.execute("CREATE SCHEMA identity")
        warehouse.execute(
            'CREATE TABLE identity.identity_alias (old_customer_id VARCHAR, customer_id VARCHAR, "at" TIMESTAMP, reason VARCHAR)'
        )
        rows = [("older", "new"), ("old", "new"), (repeated, "newer")]
        warehouse.executemany(
            "INSERT INTO identity.identity_alias (old_customer_id, customer_id) VALUES (?, ?)", rows
        )
    (result,) = run_dbt(settings, select=["stg_identity__aliases"], as_of="2026-10-30T12:00:00", full=False)
    count = 2 if repeated else 1
    assert (
        f"{count} rows of stg_identity__aliases have a key (old_customer_id) that is empty" in result.message
    )
    with duckdb.connect(str(settings.build_path)) as warehouse, pytest.raises(duckdb.CatalogException):
        warehouse.execute("FROM staging.stg_identity__aliases")


_PEOPLE_OF_LOTS = """
    CREATE SCHEMA intermediate; CREATE SCHEMA staging;
    CREATE TABLE intermediate.int_identity__records AS
    SELECT 'purchases' AS origin_table, 'shop' AS source, 'r' || i AS source_record_id,
        TIMESTAMP '2026-01-01' + to_days(i::INTEGER) AS occurred_at, 'Ann' AS given_name, 'Lee' AS family_name,
        NULL::DATE AS birth_date, 'a' || i // 4 || '@mail.example' AS email, NULL::VARCHAR AS phone,
        NULL::VARCHAR AS street, NULL::VARCHAR AS city, NULL::VARCHAR AS postcode, NULL::VARCHAR AS country
    FROM range(200) AS numbers(i);
    CREATE TABLE staging.stg_landing__contacts AS
    SELECT *, NULL::VARCHAR AS language, NULL::VARCHAR AS time_zone FROM intermediate.int_identity__records LIMIT 0;
    CREATE TABLE staging.stg_identity__map AS
    SELECT source, source_record_id, 'cus_' || substr(source_record_id, 2)::BIGINT // 8 AS customer_id
    FROM intermediate.int_identity__records;
    CREATE TABLE staging.stg_identity__identifiers AS
    SELECT DISTINCT customer_id, 'email' AS identifier_type, email AS value
    FROM intermediate.int_identity__records INNER JOIN staging.stg_identity__map USING (source, source_record_id)
"""


def test_models_that_are_made_in_lots_are_the_same_as_in_one(tmp_path: Path) -> None:
    settings = read_settings(home=tmp_path)
    settings.build_path.parent.mkdir(parents=True)
    with duckdb.connect(str(settings.build_path)) as warehouse:
        warehouse.execute(_PEOPLE_OF_LOTS)
    models = {"int_profile__statements": 50, "int_profile__golden": 25}
    found = []
    for lots in (1, 5):
        results = run_dbt(
            settings, select=list(models), as_of="2026-10-30T12:00:00", full=False, variables={"lots": lots}
        )
        assert not any(result.failed for result in results)
        with duckdb.connect(str(settings.build_path)) as warehouse:
            rows = {model: warehouse.execute(f"FROM intermediate.{model}").fetchall() for model in models}
            found.append({model: sorted(map(repr, each)) for model, each in rows.items()})
    assert {model: len(rows) for model, rows in found[0].items()} == models
    assert found[0] == found[1]
