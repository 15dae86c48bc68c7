"""Files that cannot be taken: one sentence with its mend, and nothing landed."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from data_contracts.errors import InputError, RapportError, UsageError
from messaging.settings import Settings
from pipelines.landing.manifest import list_landings
from pipelines.sources.report import IngestReport

Take = Callable[..., IngestReport]
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
LINE = "536365,85123A,HOLDER,6,12/1/2010 8:26,2.55,17850,United Kingdom\n"
GOOD = HEADER + LINE * 3


@pytest.fixture
def refused(take: Take, settings: Settings) -> Callable[..., str]:
    """Ingest what has to be refused; gives the sentence."""

    def refusing(
        source: str, path: Path, mapping: str | None = None, error: type[RapportError] = InputError
    ) -> str:
        with pytest.raises(error) as caught:
            take(source, path, mapping=mapping)
        assert caught.value.mend
        assert "\n" not in str(caught.value)
        assert "Traceback" not in str(caught.value)
        assert list_landings(settings) == []
        assert not list(settings.home.rglob("*.parquet*")) or not settings.home.exists()
        return str(caught.value)

    return refusing


@pytest.fixture
def lines(tmp_path: Path) -> Callable[..., Path]:
    def writing(content: str | bytes, name: str = "lines.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return writing


def test_the_good_file_that_the_others_are_made_from_lands(take: Take, lines: Any) -> None:
    assert take("purchases", lines(GOOD), mapping="online_retail").accepted == 3


def test_a_file_that_is_not_there(refused: Any, tmp_path: Path) -> None:
    assert (
        refused("twilio", tmp_path / "gone.json")
        == f"There is no file {tmp_path / 'gone.json'}. Check the path."
    )


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (
            "twillio",
            "There is no source 'twillio'. Did you mean twilio? Known are mail, chat, ",
        ),
        ("xyz", "There is no source 'xyz'. Known are mail, chat, "),
    ],
)
def test_an_unknown_source(refused: Any, lines: Any, source: str, sentence: str) -> None:
    assert refused(source, lines(GOOD), error=UsageError).startswith(sentence)


def test_a_table_without_a_mapping(refused: Any, lines: Any) -> None:
    sentence = refused("purchases", lines(GOOD), error=UsageError)
    assert sentence.startswith("purchases needs a mapping. Add --map with ")
    assert "online_retail" in sentence
    assert sentence.endswith("or your own file (--suggest-map proposes one).")


@pytest.mark.parametrize(
    ("source", "mapping", "sentence"),
    [
        ("purchases", "online-retail", "Did you mean online_retail?"),
        ("purchases", "shopify_products", "is for products, not for purchases"),
        ("twilio", "online_retail", "takes no --map"),
    ],
)
def test_a_wrong_mapping(refused: Any, lines: Any, source: str, mapping: str, sentence: str) -> None:
    assert sentence in refused(source, lines(GOOD), mapping, UsageError)


def test_a_file_of_another_shape(refused: Any, lines: Any) -> None:
    sentence = refused("purchases", lines("Name,Email\n#1,a@example.com\n"), "online_retail")
    assert "has no shape of online_retail" in sentence
    assert "It has Name, Email." in sentence
    sentence = refused("purchases", lines("InvoiceNo,Email\n#1,a@example.com\n"), "online_retail")
    assert "has no column CustomerID, InvoiceDate, Country, StockCode" in sentence
    assert "It has InvoiceNo, Email. The mapping does not name Email." in sentence


def test_a_parquet_file_of_another_shape(refused: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    with duckdb.connect() as connection:
        connection.execute("COPY (SELECT 1 AS InvoiceNo) TO ? (FORMAT parquet)", [str(path)])
    assert "has no column CustomerID" in refused("purchases", path, "online_retail")


@pytest.mark.parametrize(
    ("source", "name", "mapping"),
    [
        ("purchases", "x.csv", "online_retail"),
        ("purchases", "x.parquet", "online_retail"),
        ("shipments", "x.json", "shopify_fulfilments"),
        ("twilio", "x.json", None),
        ("mail", "x.mbox", None),
    ],
)
def test_an_empty_file(refused: Any, lines: Any, source: str, name: str, mapping: str | None) -> None:
    assert "is empty" in refused(source, lines(b"", name), mapping)


@pytest.mark.parametrize("cut", [1, 3, 20, 40])
def test_a_csv_that_was_cut_off(refused: Any, lines: Any, cut: int) -> None:
    assert "may be cut off" in refused("purchases", lines(GOOD[:-cut]), "online_retail")


@pytest.mark.parametrize(
    "content",
    [
        GOOD + "536365,85123A\n",
        GOOD + LINE.replace("United", "United,"),
        GOOD + LINE.replace("HOLDER", '"HOLDER'),
        GOOD + LINE.replace("HOLDER", '"HOLDER" X'),
    ],
    ids=["a row too short", "a row too long", "an open quotation mark", "text behind a quotation"],
)
def test_an_irregular_csv(refused: Any, lines: Any, content: str) -> None:
    assert "is no regular CSV" in refused("purchases", lines(content), "online_retail")


def test_a_csv_in_another_encoding(refused: Any, take: Take, lines: Any, tmp_path: Path) -> None:
    path = lines(GOOD.replace("HOLDER", "CAFÉ").encode("cp1252"))
    place = path.read_bytes().index(b"\xc9") + 1
    sentence = refused("purchases", path, "online_retail")
    assert f"is not utf-8 text: byte {place} does not fit. It looks like cp1252. State that" in sentence
    from pipelines.sources.mapping import FOLDER

    own = tmp_path / "own.yaml"
    shutil.copy(FOLDER / "generic" / "online_retail.yaml", own)
    own.write_text(own.read_text() + "format: {encoding: cp1252}\n")
    assert take("purchases", path, mapping=own).accepted == 3


def test_a_csv_that_cannot_be_read_shows_no_content_in_its_sentence(refused: Any, lines: Any) -> None:
    content = GOOD + LINE.replace("HOLDER", '"canary@example.com')
    assert "canary" not in refused("purchases", lines(content), "online_retail")


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        (HEADER.replace("StockCode", "InvoiceNo"), "It has InvoiceNo (1), InvoiceNo (2), Description"),
        (HEADER.replace("StockCode", ""), "It has InvoiceNo, column 2, Description"),
    ],
)
def test_a_header_that_names_columns_wrongly(refused: Any, lines: Any, header: str, sentence: str) -> None:
    assert sentence in refused("purchases", lines(header + LINE), "online_retail")


@pytest.mark.parametrize(
    ("source", "name", "mapping"),
    [
        ("purchases", "x.csv", "online_retail"),
        ("purchases", "x.parquet", "online_retail"),
        ("shipments", "x.json", "shopify_fulfilments"),
        ("twilio", "x.json", None),
        ("sendgrid", "x.json", None),
        ("chat", "x.json", None),
        ("mail", "x.mbox", None),
        ("mail", "x.eml", None),
    ],
)
def test_binary_junk(refused: Any, lines: Any, source: str, name: str, mapping: str | None) -> None:
    refused(source, lines(bytes(range(256)) * 40, name), mapping)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_parquet_file_that_was_cut_off(refused: Any, tmp_path: Path, share: float) -> None:
    path = tmp_path / "x.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT range AS InvoiceNo FROM range(10000)) TO ? (FORMAT parquet)", [str(path)]
        )
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    assert "is no complete parquet file" in refused("purchases", path, "online_retail")


@pytest.mark.parametrize("source", ["twilio", "sendgrid", "chat"])
@pytest.mark.parametrize(
    "content", ['[{"a": 1}', '{"messages": [', '[{"a": 1}]\n[{"a"', "[" * 100_000, '{"a": nul']
)
def test_broken_json(refused: Any, lines: Any, source: str, content: str) -> None:
    assert "is no complete JSON" in refused(source, lines(content, "x.json"))


def test_json_without_the_records_that_the_mapping_expects(refused: Any, lines: Any) -> None:
    path = lines('{"orders": [{"id": 1}]}', "x.json")
    assert "has no objects with order_id, status, tracking_company" in refused(
        "shipments", path, "shopify_fulfilments"
    )
    nameless = '{"order_id": 1, "status": "open", "tracking_company": null, "tracking_number": null}'
    path = lines(f'{{"fulfillments": [{nameless}]}}', "x.json")
    assert "has records without id" in refused("shipments", path, "shopify_fulfilments")


def test_a_folder_without_fitting_files(refused: Any, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "readme.md").write_text("no data")
    assert "has no files that end in .csv or .tsv or .txt or .parquet or .json" in refused("twilio", folder)


def test_a_folder_with_one_broken_page_lands_nothing_of_it(refused: Any, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "0.json").write_text('{"messages": []}')
    (folder / "1.json").write_text('{"messages": [')
    assert "1.json is no complete JSON" in refused("twilio", folder)


def test_of_several_files_those_before_the_bad_one_have_landed_and_the_sentence_says_so(
    take: Take, lines: Any, settings: Settings
) -> None:
    good, bad = lines(GOOD, "a.csv"), lines(GOOD[:-5], "b.csv")
    with pytest.raises(InputError, match="The 1 before it landed"):
        take("purchases", good, bad, mapping="online_retail")
    assert [landing.file_name for landing in list_landings(settings)] == ["a.csv"]


def test_a_header_alone_lands_no_rows(take: Take, lines: Any) -> None:
    assert take("purchases", lines(HEADER), mapping="online_retail").rows_in == 0


def test_a_byte_order_mark_semicolons_and_windows_line_ends_are_fine(take: Take, lines: Any) -> None:
    content = b"\xef\xbb\xbf" + GOOD.replace(",", ";").replace("\n", "\r\n").encode()
    assert take("purchases", lines(content), mapping="online_retail").accepted == 3


def test_a_column_called_as_ours_does_no_harm(take: Take, lines: Any, landed: Any) -> None:
    content = "".join(f"{line},x,y\n" for line in GOOD.splitlines()).replace(
        "Country,x,y", "Country,position,source"
    )
    assert take("purchases", lines(content), mapping="online_retail").accepted == 3
    assert landed("purchases", "source")[0] == ("online_retail",)
