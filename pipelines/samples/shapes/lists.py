"""Plain CSV lists: consents, as the shop's consent app exports them, and the earlier tool's outreach."""

from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from pipelines.samples.shapes.written import WrittenFile, stamp, with_broken, write_csv
from pipelines.samples.world import World

CONSENTS = "record_id occurred_at external_id email phone channel purpose action legal_basis method wording locale".split()
OUTREACH = (
    "record_id message_id run_id campaign external_id email phone channel direction arm state template variant subject "
    "body reason occurred_at delivered_at read_at clicked_at"
).split()
UTC = "%Y-%m-%dT%H:%M:%SZ"


def write_consents(world: World, out: Path) -> WrittenFile:
    """Write consents.csv: every grant and withdrawal."""
    return _write_list(
        world,
        out / "consents.csv",
        "consents",
        CONSENTS,
        "consents",
        "shopify_consents",
        "grants and withdrawals of marketing consent",
    )


def write_past_outreach(world: World, out: Path) -> WrittenFile:
    """Write past_outreach.csv: what the earlier tool sent in 90 days, and whom it held out."""
    return _write_list(
        world,
        out / "past_outreach.csv",
        "outreach",
        OUTREACH,
        "outreach",
        "past_outreach",
        "five campaigns of an earlier tool, with their holdouts",
    )


def _write_list(
    world: World, path: Path, table: str, header: list[str], source: str, mapping: str, about: str
) -> WrittenFile:
    columns: dict[str, Any] = {name: world.tables[table][name] for name in header if name != "record_id"}
    columns["record_id"] = pc.list_element(pc.split_pattern(world.tables[table]["source_record_id"], "/"), 1)
    for name in ("occurred_at", "delivered_at", "read_at", "clicked_at"):
        if name in columns:
            columns[name] = stamp(columns[name].combine_chunks(), UTC)
    rows = world.tables[table].num_rows
    grown, total = with_broken(columns, rows, path.name)
    write_csv(path, header, grown, total)
    return WrittenFile(path, source, mapping, total, total - rows, about)
