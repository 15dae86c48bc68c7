"""The company's files land by the commands of its README: all good records, none of the broken ones."""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from messaging.clock import Clock
from messaging.settings import Settings
from pipelines.samples.broken import BROKEN
from pipelines.samples.mails import OURS
from pipelines.samples.shapes import write_company
from pipelines.samples.times import END
from pipelines.samples.truth import write_truth
from pipelines.samples.world import World, make_world
from pipelines.sources.intake import ingest
from pipelines.sources.report import IngestReport

AS_JSON = {"raw_record", "fields", "properties"}  # what the vendor wrote, which has no one spelling


@dataclass
class Landed:
    """A small company, landed in a home of its own."""

    world: World
    home: Path
    truth: Path
    reports: dict[str, IngestReport]

    def query(self, question: str, table: str) -> list[tuple[object, ...]]:
        """Ask about `landed`, the landed rows of a table, and `truth`."""
        files = [str(path) for path in sorted((self.home / "landing").glob(f"*/{table}/*.parquet"))]
        with duckdb.connect() as connection:
            connection.read_parquet(files).create_view("landed")
            connection.read_parquet(str(self.truth / "identity.parquet")).create_view("truth")
            connection.from_arrow(self.world.tables[table]).create_view("made")
            return connection.execute(question).fetchall()


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Landed:
    world, out = make_world(150, 9), tmp_path_factory.mktemp("company")
    files = write_company(world, out)
    write_truth(world, out / "truth")
    home = tmp_path_factory.mktemp("home")
    settings = Settings(RAPPORT_HOME=home, RAPPORT_OWN_DOMAINS=OURS.partition("@")[2])
    clock = Clock(END.item())
    reports = {}
    for file in files:
        paths = sorted(file.path.glob("*.json")) if file.path.is_dir() else [file.path]
        reports[file.path.name] = ingest(settings, clock, file.source, paths, file.mapping)
    return Landed(world, home, out / "truth", reports)


def test_only_what_was_broken_on_purpose_is_set_aside(landed: Landed) -> None:
    set_aside = {name: report.to_document()["quarantined"] for name, report in landed.reports.items()}
    assert set_aside == {name: len(bad) for name, bad in BROKEN.items()}


def test_every_record_of_the_world_lands_under_the_name_that_the_truth_gives_it(landed: Landed) -> None:
    for table, count in landed.world.rows.items():
        missing = "SELECT count(*) FROM made ANTI JOIN landed USING (source, source_record_id)"
        assert landed.query("SELECT count(*) FROM landed", table) == [(count,)], table
        assert landed.query(missing, table) == [(0,)], table


@pytest.mark.parametrize(
    "table",
    [
        "contacts",
        "consents",
        "shipments",
        "sms_messages",
        "chat_messages",
        "outreach",
        "tickets",
        "reviews",
        "survey_responses",
        "calls",
        "form_submissions",
        "social_messages",
        "events",
    ],
)
def test_a_record_lands_with_the_values_it_was_made_with(landed: Landed, table: str) -> None:
    columns = [
        name for name in landed.world.tables[table].column_names if name not in AS_JSON | {"received_at"}
    ]
    names = ", ".join(f'"{name}"' for name in columns)
    assert landed.query(f"SELECT {names} FROM made EXCEPT SELECT {names} FROM landed", table) == []


def test_a_mail_lands_with_its_new_text_only_and_on_its_customer(landed: Landed) -> None:
    columns = (
        "source_record_id, thread_id, direction, email, subject, body_text, in_reply_to, attachment_count"
    )
    question = f"SELECT {columns} FROM made EXCEPT SELECT {columns} FROM landed"
    assert landed.query(question, "email_messages") == []
