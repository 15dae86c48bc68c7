"""Plain CSV lists: consents, as the shop's consent app exports them, and the earlier tool's outreach."""

from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from pipelines.samples.identifiers import SHOP
from pipelines.samples.shapes.written import UTC, WrittenFile, stamp, with_broken, write_csv
from pipelines.samples.world import World

TIMES = frozenset({"occurred_at", "delivered_at", "read_at", "clicked_at"})
UNWRITTEN = frozenset({"source", "source_record_id", "received_at", "customer_ref", "raw_record"})


def write_consents(world: World, out: Path) -> WrittenFile:
    """Write consents.csv: every grant and withdrawal."""
    path = out / "consents.csv"
    rows, broken = _write_list(world, path, "consents")
    about = "grants and withdrawals of marketing consent"
    return WrittenFile(path, "consents", "shopify_consents", rows, broken, about)


def write_past_outreach(world: World, out: Path) -> WrittenFile:
    """Write past_outreach.csv: what the earlier tool sent in 90 days, and whom it held out."""
    path = out / "past_outreach.csv"
    rows, broken = _write_list(world, path, "outreach")
    about = "five campaigns of an earlier tool, with the people it held out"
    return WrittenFile(path, "outreach", "past_outreach", rows, broken, about)


def _write_list(world: World, path: Path, name: str) -> tuple[int, int]:
    """Write a canonical table under its own column names; give its rows and how many of them are bad."""
    table = world.tables[name]
    columns: dict[str, Any] = {
        column: stamp(table[column].combine_chunks(), UTC) if column in TIMES else table[column]
        for column in table.column_names
        if column not in UNWRITTEN
    }
    columns["external_id"] = pc.replace_substring(columns["external_id"], SHOP, "")  # the tool knows one shop
    columns["record_id"] = pc.list_element(pc.split_pattern(table["source_record_id"], "/"), 1)
    grown, total = with_broken(columns, table.num_rows, path.name)
    write_csv(path, grown, total)
    return total, total - table.num_rows
