"""Canonical parquet files of the sample company, at any size: what the landing benchmark lands."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.samples.tables import COLUMNS
from pipelines.samples.world import World, make_world

SHARES = {"email_events": 0.40, "sms_messages": 0.20, "chat_messages": 0.15, "purchases": 0.25}
EVENTS_A_PERSON = 9  # e-mail events that one person of the sample company causes, about
CHUNK = 50_000  # people; their world takes some 300 MB
IDS = ("source_record_id", "event_id", "message_id")  # what has to be its own in each copy of a row


def write_files(folder: Path, rows: int, *, seed: int = 7, first: int = 0) -> dict[str, Path]:
    """Write a file for each table, `rows` together in the shares above; gives their paths.

    The company sends few text messages and many mails: where its world has too few rows of a table, they are written
    again under other record ids. `first` is the number of the first person, for files that share no record.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = {table: folder / f"{table}.parquet" for table in SHARES}
    people = max(round(rows * SHARES["email_events"] / EVENTS_A_PERSON), 100)
    firsts = range(first, first + people, CHUNK)
    with ExitStack() as stack:
        writers = {
            table: stack.enter_context(pq.ParquetWriter(path, pa.schema(COLUMNS[table])))
            for table, path in paths.items()
        }
        for number, start in enumerate(firsts, start=1):
            world = make_world(min(CHUNK, first + people - start), seed, first=start)
            for table, share in SHARES.items():
                total = round(rows * share)
                quota = total * number // len(firsts) - total * (number - 1) // len(firsts)
                for piece in _pieces(world, table, quota):
                    writers[table].write_table(piece)
    return paths


def _pieces(world: World, table: str, rows: int) -> Iterator[pa.Table]:
    whole, copy = world.tables[table], 0
    while rows > 0:
        piece = whole.slice(0, rows)
        yield _renamed(piece, copy) if copy else piece
        rows, copy = rows - piece.num_rows, copy + 1


def _renamed(table: pa.Table, copy: int) -> pa.Table:
    for column in set(IDS) & set(table.column_names):
        own = pc.binary_join_element_wise(table[column], f"copy{copy}", "-")
        table = table.set_column(table.column_names.index(column), column, own)
    return table
