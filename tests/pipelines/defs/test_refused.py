"""A delivery that was refused as a whole: builds go on with what has landed, and the contract stays red until it is mended."""

from pathlib import Path

import pytest
from sqlalchemy import select

from data_contracts.errors import BatchRefusedError
from messaging.clock import Clock
from messaging.settings import Settings
from messaging.store import open_store
from messaging.store.tables import contract_status
from pipelines.defs.build import run_build
from pipelines.defs.inbox import take_dropped_files
from pipelines.sources.intake import ingest

HEADER = (
    "record_id,occurred_at,external_id,email,phone,channel,purpose,action,legal_basis,method,wording,locale\n"
)


def consents(path: Path, channel: str) -> Path:
    lines = (
        f"{n},2026-10-01T10:00:00Z,,person{n}@example.com,,{channel},marketing,grant,consent,form,Yes,en\n"
        for n in range(25)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEADER + "".join(lines))
    return path


def standing(settings: Settings) -> tuple[str, list[str]]:
    """Give the state of the contract of consents in the store, and the rules that it names."""
    with open_store(settings) as store, store.read() as connection:
        row = connection.execute(
            select(contract_status).where(contract_status.c.table_name == "consents")
        ).one()
    return row.state, [item["rule"] for item in row.detail]


def test_the_contract_is_red_at_once_and_through_builds_that_publish_until_a_mended_file_lands(
    copied: Settings, clock: Clock, tmp_path: Path
) -> None:
    before = standing(copied)
    with pytest.raises(BatchRefusedError):
        ingest(copied, clock, "consents", [consents(tmp_path / "bad.csv", "fax")], "shopify_consents")
    assert standing(copied) == ("red", ["channel_allowed", *before[1]])
    report = run_build(copied, clock)
    assert report.version
    assert [refusal.rule for refusal in report.refused] == ["channel_allowed"]
    assert standing(copied)[0] == "red"
    ingest(copied, clock, "consents", [consents(tmp_path / "good.csv", "email")], "shopify_consents")
    assert standing(copied) == before


def test_a_dropped_file_that_is_refused_as_a_whole_lies_in_refused_as_it_came(
    copied: Settings, clock: Clock
) -> None:
    folder = copied.inbox_dir / "consents"
    path = consents(folder / "shopify_consents" / "bad.csv", "fax")
    content = path.read_bytes()
    (taken,) = take_dropped_files(copied, clock, settle_seconds=0)
    assert taken.refused.startswith("bad.csv was refused as a whole")
    assert (folder / "refused" / "bad.csv").read_bytes() == content
    assert standing(copied)[0] == "red"
