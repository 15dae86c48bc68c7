"""Mapping files: what each word of their language makes of a value, and what they refuse."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from data_contracts.contracts import contract_names
from data_contracts.errors import ContractError, UsageError
from pipelines.landing.staging import open_stage
from pipelines.sources.documents import Record
from pipelines.sources.mapping import load_mapping, mapping_names
from pipelines.sources.projection import stage_mapping, try_mapping
from pipelines.sources.records import load_records

Staged = list[dict[str, Any]]
Run = Callable[..., Staged]


def document(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "table": "products",
        "source": "shop",
        "record_id": "product/{id}",
        "columns": {"occurred_at": {"time": "at"}, "product_id": "id", "name": "name"},
    }
    return {**base, **changes}


def write(tmp_path: Path, content: dict[str, Any]) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return path


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Stage records by a mapping; gives the staged rows."""

    def running(content: dict[str, Any], *records: dict[str, Any]) -> Staged:
        mapping = load_mapping(write(tmp_path, content)).for_company("SEK", "Europe/Stockholm")
        try_mapping(mapping)
        with open_stage() as connection:
            types = load_records(connection, [Record(record) for record in records], mapping.used_columns)
            stage_mapping(connection, mapping, types)
            found = connection.execute("SELECT * FROM staged ORDER BY position")
            names = [item[0] for item in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    return running


@pytest.fixture
def value(run: Run) -> Callable[..., str | None]:
    """Make one value by an expression."""

    def making(expression: Any, record: dict[str, Any], **changes: Any) -> str | None:
        columns = {"occurred_at": {"value": "2026-01-01 00:00:00"}, "product_id": "id", "name": expression}
        (row,) = run(document(columns=columns, **changes), {"id": "1", **record})
        found: str | None = row["name"]
        return found

    return making


@pytest.mark.parametrize("name", mapping_names())
def test_every_shipped_mapping_works(name: str) -> None:
    mapping = load_mapping(name)
    try_mapping(mapping)
    assert mapping.table in contract_names("inbound")
    assert mapping.name == name


@pytest.mark.parametrize(
    ("expression", "text", "expected"),
    [
        ("x", "  Oak bench\u00a0 ", "Oak bench"),
        ("x", "   ", None),
        ("x", None, None),
        ({"column": "x", "drop": "^'"}, "'0123", "0123"),
        ({"column": "x", "extract": r"^(\S+)"}, "Ann van Dyke", "Ann"),
        ({"column": "x", "extract": r"^\S+\s+(.+)$"}, "Ann van Dyke", "van Dyke"),
        ({"column": "x", "extract": r"^\S+\s+(.+)$"}, "Ann", None),
        ({"column": "x", "case": "upper"}, "eur", "EUR"),
        ({"column": "x", "map": {"Paid": "sale", "Void": "cancellation"}}, "PAID", "sale"),
        ({"column": "x", "map": {"paid": "sale"}}, "lost", "unreadable: lost"),
        ({"column": "x", "map": {"paid": "sale"}, "otherwise": "keep"}, "lost", "lost"),
        ({"column": "x", "map": {"paid": "sale"}, "otherwise": "empty"}, "lost", None),
        ({"column": "x", "map": {"NO": "Norway"}}, "no", "Norway"),
        ({"value": "007"}, "x", "007"),
        ({"empty": "true"}, "x", None),
        ({"first_of": ["y", {"column": "x", "drop": "a"}]}, "banana", "bnn"),
        ({"template": "{x}-{id}"}, "a", "a-1"),
        ({"template": "{x}-{y}"}, "a", None),
        ({"company": "currency"}, "x", "SEK"),
        ({"flag": "x"}, "Yes", "true"),
        ({"flag": "x", "true_if": ["ja"], "false_if": ["nein"]}, "nein", "false"),
        ({"flag": "x"}, "perhaps", "unreadable: perhaps"),
    ],
)
def test_texts(
    value: Callable[..., str | None], expression: Any, text: str | None, expected: str | None
) -> None:
    assert value(expression, {"x": text}) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2.55", "255"),
        ("2.555", "256"),
        ("2.545", "255"),
        ("-2.555", "-256"),
        (".5", "50"),
        ("1,234.50", "123450"),
        ("£1,234.50", "123450"),
        ("$ 12", "1200"),
        ("1e-05", "0"),
        ("12,5", "unreadable: 12,5"),
        ("1,23,4", "unreadable: 1,23,4"),
        ("on request", "unreadable: on request"),
        ("1.2.3", "unreadable: 1.2.3"),
        ("NaN", "unreadable: NaN"),
        ("9" * 40, "unreadable: " + "9" * 40),
        ("", None),
    ],
)
def test_money_is_rounded_half_away_from_zero_to_minor_units(
    value: Callable[..., str | None], text: str, expected: str | None
) -> None:
    assert value({"money": "x"}, {"x": text}, currency="GBP") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2,55", "255"),
        ("1.234,50 €", "123450"),
        ("1\u202f234,50", "123450"),
        ("1.234", "123400"),
        ("12.5", "unreadable: 12.5"),
    ],
)
def test_money_with_a_decimal_comma(value: Callable[..., str | None], text: str, expected: str) -> None:
    assert value({"money": "x"}, {"x": text}, currency="EUR", decimal=",") == expected


@pytest.mark.parametrize(
    ("code", "expected"), [("JPY", "12"), ("GBP", "1235"), ("kwd", "12346"), ("CLF", "123456")]
)
def test_minor_units_are_those_of_the_currency(
    value: Callable[..., str | None], code: str, expected: str
) -> None:
    assert value({"money": "x"}, {"x": "12.3456"}, currency=code) == expected
    assert value({"money": "x"}, {"x": "12.3456", "c": code}, currency={"column": "c"}) == expected


@pytest.mark.parametrize(
    ("expression", "record", "expected"),
    [
        ({"integer": "x"}, {"x": "-12"}, "-12"),
        ({"integer": "x"}, {"x": "12.0"}, "12"),
        ({"integer": "x"}, {"x": "12.5"}, "unreadable: 12.5"),
        ({"negate": {"integer": "x"}}, {"x": "3"}, "-3"),
        ({"absolute": {"scaled": "x", "digits": "6"}}, {"x": "-0.00750"}, "7500"),
        ({"multiply": [{"money": "x"}, {"integer": "y"}]}, {"x": "2.555", "y": "10"}, "2560"),
        ({"multiply": [{"money": "x"}, {"integer": "y"}]}, {"x": "2.5", "y": "two"}, "unreadable: two"),
        ({"multiply": [{"money": "x"}, {"integer": "y"}]}, {"x": "2.5"}, None),
        ({"subtract": [{"money": "x"}, {"money": "y"}]}, {"x": "2.5"}, "250"),
        ({"subtract": [{"money": "x"}, {"money": "y"}]}, {"x": "2.5", "y": "?"}, "unreadable: ?"),
        ({"add": [{"integer": "x"}, {"integer": "y"}]}, {"x": "2", "y": "3"}, "5"),
        ({"multiply": [{"integer": "x"}, {"integer": "x"}]}, {"x": "9" * 15}, str(int("9" * 15) ** 2)),
    ],
)
def test_numbers(
    value: Callable[..., str | None], expression: Any, record: dict[str, Any], expected: str | None
) -> None:
    assert value(expression, record, currency="GBP") == expected


@pytest.mark.parametrize(
    ("text", "changes", "expected"),
    [
        ("2026-10-01T10:00:00Z", {}, "2026-10-01 10:00:00"),
        ("2026-10-01T10:00:00.25+02:00", {}, "2026-10-01 08:00:00.25"),
        ("2026-10-01 10:00:00 +0200", {}, "2026-10-01 08:00:00"),
        ("2026-10-01", {}, "2026-10-01 00:00:00"),
        ("2026-07-01 10:00", {"time_zone": "Europe/London"}, "2026-07-01 09:00:00"),
        ("2026-01-01 10:00", {"time_zone": "Europe/London"}, "2026-01-01 10:00:00"),
        ("2026-07-01 10:00", {"time_zone": "company"}, "2026-07-01 08:00:00"),
        ("2026-03-29 01:30", {"time_zone": "Europe/London"}, "2026-03-29 01:30:00"),
        ("2026-10-25 01:30", {"time_zone": "Europe/London"}, "2026-10-25 01:30:00"),
        ("12/1/2010 8:26", {"time_formats": ["%m/%d/%Y %H:%M"]}, "2010-12-01 08:26:00"),
        (
            "01.12.2010 08:26",
            {"time_formats": ["%d.%m.%Y %H:%M"], "time_zone": "Asia/Tokyo"},
            "2010-11-30 23:26:00",
        ),
        (
            "Fri, 24 May 2019 17:44:46 +0100",
            {"time_formats": ["%a, %d %b %Y %H:%M:%S %z"]},
            "2019-05-24 16:44:46",
        ),
        ("1461095246", {"time_formats": ["unix"]}, "2016-04-19 19:47:26"),
        ("31/12/2010", {"time_formats": ["%m/%d/%Y"]}, "unreadable: 31/12/2010"),
        ("2026-13-01 10:00:00", {}, "unreadable: 2026-13-01 10:00:00"),
        ("10:00", {}, "unreadable: 10:00"),
        ("soon", {}, "unreadable: soon"),
        (None, {}, None),
    ],
)
def test_times_become_naive_utc(
    value: Callable[..., str | None], text: str | None, changes: dict[str, Any], expected: str | None
) -> None:
    assert value({"time": "x"}, {"x": text}, **changes) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("1987-02-28", "1987-02-28"), ("1987-02-31", "unreadable: 1987-02-31")]
)
def test_dates(value: Callable[..., str | None], text: str, expected: str) -> None:
    assert value({"date": "x"}, {"x": text}) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"column": "x", "is": ["C12", "b"]}, "yes"),
        ({"column": "x", "is": "c12"}, "yes"),
        ({"column": "x", "starts_with": "C"}, "yes"),
        ({"column": "x", "starts_with": "D"}, "no"),
        ({"column": "x", "matches": "[0-9]$"}, "yes"),
        ({"column": "y", "empty": "true"}, "yes"),
        ({"column": "x", "empty": "true"}, "no"),
        ({"column": "y", "is": "a"}, "no"),
        ({"number": {"integer": "n"}, "above": "2", "below": "4"}, "yes"),
        ({"number": {"integer": "y"}, "above": "2"}, "no"),
        ({"all": [{"column": "x", "starts_with": "C"}, {"column": "y", "empty": "false"}]}, "no"),
        ({"any": [{"column": "x", "starts_with": "C"}, {"column": "y", "empty": "false"}]}, "yes"),
    ],
)
def test_conditions(value: Callable[..., str | None], condition: Any, expected: str) -> None:
    cases = {"cases": [{"when": condition, "then": {"value": "yes"}}], "otherwise": {"value": "no"}}
    assert value(cases, {"x": "C12", "n": "3"}) == expected


def test_fields_of_the_first_row_of_a_group_are_filled_down_and_never_up(run: Run) -> None:
    content = document(
        fill_down={"within": "id", "columns": ["name"]},
        record_id="product/{id}/{ordinal}",
        ordinal_within=["id"],
    )
    rows = run(
        content, {"id": "1", "name": "a"}, {"id": "1"}, {"id": "2"}, {"id": "2", "name": "b"}, {"id": "2"}
    )
    assert [row["name"] for row in rows] == ["a", "a", None, "b", "b"]
    assert [row["source_record_id"] for row in rows] == [
        "product/1/1", "product/1/2", "product/2/1", "product/2/2", "product/2/3",
    ]  # fmt: skip


def test_records_without_an_id_are_named_by_their_content_wherever_they_stand(run: Run) -> None:
    content = document(record_id="product/{content}-{ordinal}")
    one, two = {"id": "1", "name": "a", "at": "2026-01-01"}, {"id": "2", "name": "b", "at": "2026-01-01"}
    first = [row["source_record_id"] for row in run(content, one, two, one)]
    second = [row["source_record_id"] for row in run(content, two, one, one, {**one, "at": "2026-01-02"})]
    assert set(first) < set(second)
    assert first[0].removesuffix("-1") == first[2].removesuffix("-2")
    assert len(set(second)) == 4


def test_a_record_id_with_a_missing_part_is_missing_so_that_the_row_is_set_aside(run: Run) -> None:
    assert run(document(), {"name": "a"})[0]["source_record_id"] is None


def test_a_record_id_can_use_a_column_as_the_mapping_made_it(run: Run) -> None:
    columns = {**document()["columns"], "product_id": {"column": "id", "drop": "^'"}}
    rows = run(document(columns=columns, record_id="product/{columns.product_id}"), {"id": "'7"})
    assert rows[0]["source_record_id"] == "product/7"


def test_further_rows_are_made_where_a_condition_holds(run: Run) -> None:
    also = {
        "when": {"column": "gone", "empty": "false"},
        "record_id": "product/{id}/gone",
        "columns": {"name": {"value": "gone"}},
    }
    rows = run(document(also=[also]), {"id": "1", "name": "a"}, {"id": "2", "name": "b", "gone": "x"})
    assert [(row["source_record_id"], row["name"]) for row in rows] == [
        ("product/1", "a"), ("product/2", "b"), ("product/2/gone", "gone"),
    ]  # fmt: skip
    assert len({row["position"] for row in rows}) == 3


def test_rows_that_are_no_records_are_left_out(run: Run) -> None:
    rows = run(
        document(only={"column": "name", "empty": "false"}),
        {"id": "1", "name": "a"},
        {"id": "1", "picture": "x"},
    )
    assert len(rows) == 1


def test_the_hash_names_what_a_mapping_does_and_not_how_it_is_called(tmp_path: Path) -> None:
    first = load_mapping(write(tmp_path, document())).hash
    assert load_mapping(write(tmp_path, document(name="other", description="words"))).hash == first
    assert load_mapping(write(tmp_path, document(decimal=","))).hash != first


def test_an_unknown_mapping_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match=r"no mapping 'online_retial'.*Did you mean online_retail\?"):
        load_mapping("online_retial")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"table": ""}, "has no table"),
        ({"colums": {}}, r"unknown colums \(did you mean columns\?\)"),
        ({"columns": {"product_id": "id", "name": "name"}}, "does not say what occurred_at is"),
        ({"columns": {**document()["columns"], "prize_minor": "x"}}, r"did you mean price_minor\?"),
        ({"columns": {**document()["columns"], "raw_record": "x"}}, "unknown column raw_record"),
        ({"columns": {**document()["columns"], "category": {"lower": "x"}}}, "the verbs none"),
        (
            {"columns": {**document()["columns"], "category": {"column": "x", "trim": "y"}}},
            "column does not know trim",
        ),
        (
            {"columns": {**document()["columns"], "price_minor": {"negate": {"column": "x"}}}},
            "gives text where a number",
        ),
        ({"columns": {**document()["columns"], "category": {"column": "x", "drop": "(["}}}, "cannot be used"),
        (
            {"columns": {**document()["columns"], "occurred_at": {"time": "x", "formats": ["%Q"]}}},
            "cannot be used",
        ),
        ({"columns": {**document()["columns"], "category": {"cases": "x"}}}, "cannot be used"),
        ({"time_zone": "Mars/Olympus"}, "no IANA zone"),
        ({"source": "../elsewhere"}, "write it like my_shop"),
        ({"source": "My shop"}, "write it like my_shop"),
        ({"decimal": ";"}, "it is . or ,"),
        ({"format": {"quote": "single"}}, "it is double, or none"),
        ({"also": [{"columns": {}}]}, "an `also` without when"),
    ],
)
def test_a_wrong_mapping_says_what_is_wrong_before_any_file_is_read(
    tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ContractError, match=sentence) as caught:
        try_mapping(load_mapping(write(tmp_path, document(**changes))))
    assert "\n" not in str(caught.value)


def test_a_mapping_for_an_unknown_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no inbound table 'producs'"):
        load_mapping(write(tmp_path, document(table="producs")))


@pytest.mark.parametrize("text", ["a: [", 5000 * "[" + 5000 * "]"])
def test_a_mapping_that_is_no_yaml_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ContractError, match="cannot be read as YAML"):
        load_mapping(path)
