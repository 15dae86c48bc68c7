"""docs/sources.md names what is there and nothing else, and its walk-throughs work as they are written."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from data_contracts.contracts import contract_names
from messaging.settings import Settings
from pipelines.sources import archives, documents
from pipelines.sources.catalogue import as_markdown, list_shapes, packed_suffixes
from pipelines.sources.commands import app
from pipelines.sources.report import IngestReport

DOCUMENT = Path(__file__).parents[3] / "docs" / "sources.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
BEGIN, END = "<!-- every source: begin -->", "<!-- every source: end -->"


def section(title: str) -> str:
    """Give what stands below a heading."""
    return TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def block(part: str, kind: str, number: int = 0) -> str:
    """Give a code block of a part."""
    return str(re.findall(rf"```{kind}\n(.*?)```", part, re.DOTALL)[number])


def run_line(line: str) -> Result:
    """Run a line of a shell as a person would: `rapport WORDS`, perhaps with `> FILE`."""
    words, _, target = line.partition(" > ")
    result = CliRunner().invoke(app, shlex.split(words)[1:], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    if target:
        Path(target.strip()).write_text(result.stdout)
    return result


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAPPORT_HOME", str(settings.home))
    return tmp_path


def test_the_table_names_every_source_shape_and_table_as_the_readers_do() -> None:
    shown = TEXT.partition(BEGIN)[2].partition(END)[0].strip()
    assert shown == as_markdown(list_shapes()).strip(), (
        "rapport sources --markdown prints the table as it is now"
    )


def test_every_ending_that_is_read_is_named_and_no_other() -> None:
    table = section("What is read").partition("| what may be odd")[0]
    named = set(re.findall(r"`(\.\w+)`", table))
    read = {suffix for shape in list_shapes() for suffix in shape.suffixes} | set(packed_suffixes())
    assert named == read


def test_the_limits_are_those_of_the_code() -> None:
    assert f"{archives.RATIO} times its size" in TEXT
    assert f"more than {documents.LONGEST_OBJECT >> 20} MB is refused" in TEXT


def test_the_commands_name_sources_and_tables_that_exist() -> None:
    known = {shape.source for shape in list_shapes()} | set(contract_names("inbound")) | {"hotel_desk"}
    named = re.findall(r"rapport ingest (\w+)", TEXT)
    assert set(named) <= known


def test_every_shape_says_what_it_is_and_where_it_comes_from() -> None:
    assert [shape.name for shape in list_shapes() if not shape.description or not shape.where] == []


def test_ones_own_data_is_in_after_two_commands(here: Path) -> None:
    part = section("Now with your own data")
    (here / "bestellungen.csv").write_text(block(part, "csv"))
    lines = block(part, "sh").strip().splitlines()
    for line in lines[:-1]:
        run_line(line)
    output = run_line(lines[-1]).output
    assert "3 rows in = 3 accepted" in output


def test_a_source_is_added_as_the_page_says(
    here: Path,
    settings: Settings,
    take: Callable[..., IngestReport],
    landed: Callable[[str, str], list[tuple[Any, ...]]],
) -> None:
    part = section("Add a source in ten minutes")
    (here / "hotel_desk_reviews.csv").write_text(block(part, "csv"))
    run_line(block(part, "sh", 0).strip())
    settings.mappings_dir.mkdir(parents=True)
    (settings.mappings_dir / "hotel_desk_reviews.yaml").write_text(block(part, "yaml"))
    names: dict[str, Any] = {}
    exec(compile(block(part, "python"), str(DOCUMENT), "exec"), names)  # noqa: S102 - our own page, as it is written
    names["test_reviews_of_the_hotel_desk_land"](take, landed, here)
    assert "already landed" in run_line(block(part, "sh", 1).strip()).output
    assert ("hotel_desk", True) in {(shape.source, shape.own) for shape in list_shapes(settings)}
