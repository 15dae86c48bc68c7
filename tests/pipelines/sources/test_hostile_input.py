"""Files as they come out of spreadsheets, old tools and bad hands: read right, set aside row by row, or refused."""

import gzip
import json
import re
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from data_contracts.errors import InputError
from data_contracts.sql import Sql, sql, value
from messaging.settings import Settings
from pipelines.landing.manifest import list_landings
from pipelines.landing.staging import open_stage
from pipelines.sources.readings import to_utc
from pipelines.sources.report import IngestReport

Take = Callable[..., IngestReport]
Landed = Callable[[str, str], list[tuple[Any, ...]]]
Land = Callable[..., IngestReport]
HEADER = "id,name,price,at\n"
ROWS = "1,Oak stool,49.90,2026-10-01\n2,Lamp,12.00,2026-10-02\n"


@pytest.fixture
def land(take: Take, tmp_path: Path) -> Land:
    """Land a file of products by a mapping of its own."""

    def landing(content: str | bytes, name: str = "products.csv", **changes: Any) -> IngestReport:
        columns = {
            "occurred_at": {"time": "at"},
            "product_id": "id",
            "name": "name",
            "price_minor": {"money": "price"},
        }
        document = {
            "table": "products",
            "source": "shop",
            "record_id": "product/{id}",
            "currency": "EUR",
            "columns": columns | {"currency": {"value": "EUR"}},
            **changes,
        }
        own, path = tmp_path / "own.yaml", tmp_path / name
        own.write_text(yaml.safe_dump(document))
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return take("products", path, mapping=own)

    return landing


@pytest.fixture
def names(landed: Landed) -> Callable[[], list[str]]:
    return lambda: [name for (name,) in landed("products", "name")]


def sums(report: IngestReport) -> tuple[int, int, int]:
    assert report.rows_in == report.accepted + report.quarantined + report.already_landed
    return report.rows_in, report.accepted, report.quarantined


def test_the_same_file_twice_lands_once(land: Land, settings: Settings) -> None:
    assert sums(land(HEADER + ROWS)) == (2, 2, 0)
    again = land(HEADER + ROWS)
    assert (again.accepted, again.already_landed) == (0, 2)
    assert len(list_landings(settings)) == 1


def test_the_same_rows_in_another_wrapping_are_the_same_rows(land: Land) -> None:
    land(HEADER + ROWS)
    packed = land(gzip.compress((HEADER + ROWS).encode()), "products.csv.gz")
    assert (packed.rows_in, packed.accepted, packed.already_landed) == (2, 0, 2)


@pytest.mark.parametrize("cut", [1, 2, 9, 25])
def test_a_file_that_was_cut_off_before_it_was_packed_is_refused(land: Land, cut: int) -> None:
    with pytest.raises(InputError, match=r"products\.csv\.gz does not end with a line break"):
        land(gzip.compress((HEADER + ROWS).encode()[:-cut]), "products.csv.gz")


def test_a_zip_lands_file_by_file_under_the_names_that_it_holds(
    land: Land, take: Take, tmp_path: Path, names: Callable[[], list[str]]
) -> None:
    land(HEADER + "9,First,1.00,2026-10-01\n")
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", HEADER + ROWS)
        archive.writestr("b.csv", HEADER + "3,Bench,1.00,2026-10-03\n")
        archive.writestr("readme.html", "<p>")
    report = take("products", path, mapping=tmp_path / "own.yaml")
    assert sums(report) == (3, 3, 0)
    assert [file.path for file in report.files] == [path / "a.csv", path / "b.csv"]
    assert names() == ["Oak stool", "Lamp", "Bench", "First"]
    assert take("products", path, mapping=tmp_path / "own.yaml").accepted == 0


ACCENTS = HEADER + "1,Café Größe,1.00,2026-10-01\n"


@pytest.mark.parametrize(
    ("encoding", "stated"),
    [
        ("utf-8-sig", ""),
        ("utf-16", ""),
        ("utf-16", "utf-8"),
        ("utf-32", ""),
        ("cp1252", "cp1252"),
        ("utf-16-le", "utf-16-le"),
    ],
)
def test_text_is_read_in_the_encoding_that_its_mark_or_the_mapping_states(
    land: Land, names: Callable[[], list[str]], encoding: str, stated: str
) -> None:
    form = {"format": {"encoding": stated}} if stated else {}
    assert sums(land(ACCENTS.encode(encoding), **form)) == (1, 1, 0)
    assert names() == ["Café Größe"]


@pytest.mark.parametrize(("encoding", "text"), [("cp1252", "Café Größe"), ("cp1250", "Łódź Żaneta")])
def test_an_encoding_that_nobody_states_is_refused_with_what_to_write(
    land: Land, encoding: str, text: str
) -> None:
    with pytest.raises(InputError) as caught:
        land(f"{HEADER}1,{text},1.00,2026-10-01\n".encode(encoding))
    assert (
        f"It looks like {encoding}. State that in the mapping file (format: {{encoding: {encoding}}})"
        in str(caught.value)
    )


def test_a_cyrillic_file_is_recognised_too(land: Land) -> None:
    with pytest.raises(InputError, match=r"It looks like cp1251\."):
        land((HEADER + "1,Дубовая скамья для сада,1.00,2026-10-01\n" * 3).encode("cp1251"))


def test_utf_16_without_its_mark_is_refused_with_what_to_write(land: Land) -> None:
    with pytest.raises(InputError, match=r"looks like utf-16-le without its mark\. State that"):
        land((HEADER + ROWS).encode("utf-16-le"))


@pytest.mark.parametrize("place", [0, 20, 40])
def test_zero_bytes_are_no_text(land: Land, place: int) -> None:
    content = (HEADER + ROWS).encode()
    with pytest.raises(InputError, match="is no text: it holds zero bytes"):
        land(content[:place] + b"\x00" + content[place:])


@pytest.mark.parametrize("pieces", [1, 2, 3, 7])
def test_mixed_line_ends_are_read_and_those_in_a_cell_stay(
    land: Land, names: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch, pieces: int
) -> None:
    monkeypatch.setattr("pipelines.sources.csv_text.CHUNK", pieces)
    rows = [
        "1,A,1,2026-10-01\r\n",
        '2,"B\r\nb\rb\n""b""",1,2026-10-01\n',
        "3,C,1,2026-10-01\r",
        "4,D,1,2026-10-01\r\n",
    ]
    assert sums(land(HEADER + "".join(rows))) == (4, 4, 0)
    assert names() == ["A", 'B\r\nb\rb\n"b"', "C", "D"]


def test_carriage_returns_alone_end_lines_too(land: Land) -> None:
    assert sums(land((HEADER + ROWS).replace("\n", "\r"))) == (2, 2, 0)


def test_a_cell_of_ten_megabytes_is_one_bad_row_and_no_bad_file(land: Land) -> None:
    report = land(f"{HEADER}1,{'x' * 10_000_000},1.00,2026-10-01\n2,Lamp,12.00,2026-10-02\n")
    assert sums(report) == (2, 1, 1)
    assert "name_length" in report.reasons


def test_a_line_beyond_sixteen_megabytes_is_refused(land: Land) -> None:
    with pytest.raises(InputError, match="is no regular CSV"):
        land(f"{HEADER}1,{'x' * 17_000_000},1.00,2026-10-01\n")


def test_a_thousand_columns_are_fine(land: Land, landed: Landed) -> None:
    more = [f"extra {place}" for place in range(1000)]
    header = f"{HEADER.strip()},{','.join(more)}\n"
    assert sums(
        land(header + "".join(f"{place},n,1,2026-10-01,{','.join(more)}\n" for place in range(50)))
    ) == (50, 50, 0)
    record = json.loads(landed("products", "raw_record")[0][0])
    assert len(record) == 1004


@pytest.mark.parametrize(
    "header", ["id,name,price,at,Mail,Mail,mail,,\n", '"id",name , price,at,rapport_position,,,,x\n']
)
def test_names_that_stand_twice_or_not_at_all_do_no_harm_where_they_are_not_read(
    land: Land, landed: Landed, header: str
) -> None:
    assert sums(land(header + "1,A,1,2026-10-01,a,b,c,d,e\n")) == (1, 1, 0)
    assert len(json.loads(landed("products", "raw_record")[0][0])) == 9


def test_a_name_that_stands_twice_is_told_apart_by_its_number(
    land: Land, names: Callable[[], list[str]]
) -> None:
    columns = {"occurred_at": {"time": "at"}, "product_id": "id", "name": "name (2)"}
    land("id,name,at,Name\n1,first,2026-10-01,second\n", columns=columns | {"name": "Name (2)"})
    assert names() == ["second"]


def test_a_header_alone_lands_nothing_and_is_no_error(land: Land) -> None:
    assert sums(land(HEADER)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("text", "lands"),
    [
        ("2024-02-29", "2024-02-29 00:00:00"),
        ("2023-02-29", None),
        ("1900-01-01", None),  # the contract wants records from 1970 on
        ("9999-12-31", None),  # nor after the day on which it came
        ("10000-01-01", None),
        ("0000-00-00", None),
        ("2026-10-01 24:00:00", "2026-10-02 00:00:00"),
    ],
)
def test_dates_at_the_edges_are_read_or_set_aside(
    land: Land, landed: Landed, text: str, lands: str | None
) -> None:
    report = land(f"{HEADER}1,A,1,{text}\n")
    assert sums(report) == ((1, 1, 0) if lands else (1, 0, 1))
    if lands:
        assert landed("products", "occurred_at::VARCHAR") == [(lands,)]
    else:
        assert any(reason.startswith(("occurred_at", "not_a_day_ahead")) for reason in report.reasons)


def changes_of(zone: str) -> list[datetime]:
    """Give the local times around which the clocks of 2026 are changed, a quarter of an hour apart."""
    known = ZoneInfo(zone)
    hours = [datetime.fromtimestamp(1767225600 + 3600 * hour, UTC) for hour in range(365 * 24)]
    moved = [
        hour for hour, after in pairwise(hours)
        if hour.astimezone(known).utcoffset() != after.astimezone(known).utcoffset()
    ]  # fmt: skip
    quarters = range(-12, 13)
    return [
        datetime.fromtimestamp(hour.timestamp() + 900 * quarter, UTC).astimezone(known).replace(tzinfo=None)
        for hour in moved
        for quarter in quarters
    ] + [
        datetime.fromtimestamp(hour.timestamp() + 3600, UTC).astimezone(known).replace(tzinfo=None, minute=30)
        for hour in moved
    ]


def by_the_rule(local: datetime, zone: str) -> datetime:
    """Take the later one of two hours that the clocks repeat; read one that they skip as if they had not been moved."""
    known = ZoneInfo(zone)
    first, second = (
        local.replace(tzinfo=known, fold=fold).astimezone(UTC).replace(tzinfo=None) for fold in (0, 1)
    )
    skipped = first > second
    return first if skipped else second


@pytest.mark.parametrize(
    "zone",
    [
        "Europe/London",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Sydney",
        "America/Santiago",
        "Asia/Tokyo",
    ],
)
def test_hours_that_the_clocks_skip_or_repeat_are_read_by_the_stated_rule(zone: str) -> None:
    locals_ = [
        *changes_of(zone),
        datetime(2026, 3, 29, 1, 30),
        datetime(2026, 3, 29, 2, 30),
        datetime(2026, 3, 8, 2, 30),
    ]
    query = sql(
        "SELECT {} FROM (SELECT unnest({}::TIMESTAMP[]) AS t)", to_utc(Sql("t"), value(zone)), value(locals_)
    )
    with open_stage() as connection:
        found = [row[0] for row in connection.execute(query.text, query.bound).fetchall()]
    assert found == [by_the_rule(local, zone) for local in locals_]


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("-49.90", None),  # the contract wants no price below nought
        ("92233720368547758.07", None),
        ("1e30", None),
        ("9" * 400, None),
        ("1e-30", 0),
        ("0.005", 1),
        ("=1+1", None),
    ],
)
def test_absurd_amounts_are_set_aside_and_break_nothing(
    land: Land, landed: Landed, text: str, minor: int | None
) -> None:
    report = land(f"{HEADER}1,A,{text},2026-10-01\n2,B,1.00,2026-10-01\n")
    if minor is None and report.quarantined:
        assert sums(report) == (2, 1, 1)
        assert any(reason.startswith("price") for reason in report.reasons)
    else:
        assert landed("products", "price_minor")[0] == (
            (minor,) if minor is not None else (int(float(text) * 100),)
        )


def test_products_of_huge_numbers_overflow_into_the_quarantine(land: Land) -> None:
    big = {"multiply": [{"money": "price"}, {"integer": "id"}, {"integer": "id"}]}
    columns = {
        "occurred_at": {"time": "at"},
        "product_id": "id",
        "name": "name",
        "price_minor": big,
        "currency": {"value": "EUR"},
    }
    report = land(f"{HEADER}{'9' * 18},A,{'9' * 15},2026-10-01\n2,B,1.00,2026-10-01\n", columns=columns)
    assert sums(report) == (2, 1, 1)


@pytest.mark.parametrize(
    "text",
    [
        "=cmd|' /C calc'!A0", "@SUM(1+1)", "+1+1", "-2+3", "=HYPERLINK(1)", "'; DROP TABLE products; --", "{{ 7 * 7 }}",
        "😀 שלום مرحبا", "e\u0301 and é", "\u202eright to left", "a\u200bb", "\ud7ff\U0010ffff", "NULL", "nan", "#REF!",
    ],
)  # fmt: skip
def test_what_looks_like_code_or_is_not_latin_stays_the_text_that_it_is(
    land: Land, names: Callable[[], list[str]], text: str
) -> None:
    assert sums(land(f'{HEADER}1,"{text}",1,2026-10-01\n')) == (1, 1, 0)
    assert names() == [text]


def test_json_that_is_deep_is_refused_or_read_and_never_breaks_the_reader(
    land: Land, take: Take, tmp_path: Path
) -> None:
    path = tmp_path / "deep.json"
    for depth in (50, 300, 600, 900, 5000):
        path.write_text('{"a":' * depth + "1" + "}" * depth)
        with pytest.raises(InputError) as caught:
            take("twilio", path)
        assert caught.value.mend


def test_a_folder_with_what_systems_leave_behind_is_fine(land: Land, take: Take, tmp_path: Path) -> None:
    land(HEADER + "9,First,1.00,2026-10-01\n")
    folder = tmp_path / "export"
    folder.mkdir()
    for name in (".DS_Store", "._products.csv", "Thumbs.db", "desktop.ini", "~$products.csv"):
        (folder / name).write_bytes(b"\x00\x01")
    (folder / "products.csv").write_text(HEADER + ROWS)
    assert sums(take("products", folder, mapping=tmp_path / "own.yaml")) == (2, 2, 0)


def test_a_long_list_of_json_lands_in_pieces(land: Land, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.sources.documents.HELD_WHOLE", 0)
    monkeypatch.setattr("pipelines.sources.records.BATCH", 7)
    rows = [{"id": place, "name": f"n{place}", "price": 1.5, "at": "2026-10-01"} for place in range(100)]
    assert sums(land(json.dumps(rows), "products.json")) == (100, 100, 0)
    assert sums(land("\n".join(map(json.dumps, rows)), "products.jsonl"))[:2] == (100, 0)


def test_sentences_of_refusals_hold_no_content_of_the_file(land: Land) -> None:
    content = HEADER + '1,"canary@example.com,1,2026-10-01\n'
    with pytest.raises(InputError) as caught:
        land(content)
    assert not re.search("canary", str(caught.value))


def test_quotation_marks_are_part_of_the_text_where_the_mapping_says_so(
    land: Land, names: Callable[[], list[str]]
) -> None:
    form = {"kind": "csv", "delimiter": "\t", "quote": "none"}
    rows = '1\t"  a stool, it says\t1.00\t2026-10-01\r\n2\tLamp 12" tall\t2.00\t2026-10-02\n'
    assert sums(land(HEADER.replace(",", "\t") + rows, format=form)) == (2, 2, 0)
    assert names() == ['"  a stool, it says', 'Lamp 12" tall']


def test_a_file_whose_quotation_marks_stand_open_says_how_to_take_them_as_text(land: Land) -> None:
    with pytest.raises(InputError, match=r"format: \{quote: none\}"):
        land(HEADER + '1,"Lamp,1.00,2026-10-01\n2,Stool,1.00,2026-10-01\n')
