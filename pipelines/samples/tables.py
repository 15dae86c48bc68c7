"""The canonical tables of a world: their columns, in the order of the contracts in data_contracts/inbound."""

from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.samples.arrays import Ints, Strings, digits, join, take

TIME = pa.timestamp("us")
TEXT = pa.string()
WHOLE = pa.int64()
SMALL = pa.int32()

_HEAD = {"source": TEXT, "source_record_id": TEXT, "occurred_at": TIME, "received_at": TIME}
_ODD_TYPES = {
    "quantity": WHOLE, "unit_price_minor": WHOLE, "net_amount_minor": WHOLE, "price_minor": WHOLE,
    "price_micros": WHOLE, "attachment_count": SMALL, "error_code": SMALL, "segment_count": SMALL,
    "media_count": SMALL, "is_machine": pa.bool_(), "is_private": pa.bool_(), "birth_date": pa.date32(), "shipped_at": TIME,
    "estimated_delivery_at": TIME, "delivered_at": TIME, "read_at": TIME, "clicked_at": TIME,
}  # fmt: skip
_WORDS = {
    "purchases": "order_id external_id email phone device_id given_name family_name street city postcode "
    "country line_kind product_id product_name product_category quantity unit_price_minor "
    "net_amount_minor currency",
    "products": "product_id name category price_minor currency",
    "shipments": "shipment_id order_id external_id email phone carrier tracking_number status shipped_at "
    "estimated_delivery_at delivered_at",
    "email_messages": "message_id thread_id direction kind email given_name family_name from_email to_email "
    "subject body_text in_reply_to attachment_count attachments",
    "email_events": "event_id event email message_ref url reason is_machine campaign",
    "sms_messages": "message_id channel direction phone from_address to_address body status error_code "
    "segment_count media_count price_micros currency",
    "chat_messages": "conversation_id message_id author_kind author_name email phone external_id handle "
    "device_id given_name family_name order_id body topic conversation_status channel is_private",
    "contacts": "external_id email phone device_id handle given_name family_name birth_date street city "
    "postcode country language time_zone",
    "consents": "external_id email phone channel purpose action legal_basis method wording locale",
    "outreach": "message_id run_id campaign customer_ref external_id email phone channel direction arm "
    "state template variant subject body reason delivered_at read_at clicked_at",
}
COLUMNS: dict[str, dict[str, pa.DataType]] = {
    table: _HEAD | {name: _ODD_TYPES.get(name, TEXT) for name in words.split()} | {"raw_record": TEXT}
    for table, words in _WORDS.items()
}


def canonical(table: str, source: str, rows: int, received_at: np.datetime64, **columns: Any) -> pa.Table:
    """Build a canonical table of `rows` rows; columns that are not given are NULL.

    Raises KeyError for a column that the table does not have.
    """
    given = columns | {"source": source, "received_at": received_at}
    unknown = set(given) - set(COLUMNS[table])
    if unknown:
        raise KeyError(f"{table} has no column {min(unknown)}")
    arrays = [_column(given.get(name), rows, kind) for name, kind in COLUMNS[table].items()]
    return pa.table(arrays, names=list(COLUMNS[table]))


def _column(values: Any, rows: int, kind: pa.DataType) -> pa.Array:
    if values is None:
        return pa.nulls(rows, kind)
    if isinstance(values, str | np.datetime64):
        return pa.repeat(pa.scalar(values, kind), rows)
    array = pa.array(values) if isinstance(values, np.ndarray) else values
    return array if array.type == kind else array.cast(kind)


def record_ids(kind: str, first: int, rank: Ints) -> Strings:
    """Give records their numbers: `kind` and eight digits that go on from chunk to chunk of a world."""
    return join(kind, digits(first * 10 + rank + 1, 8))


def reorder(table: pa.Table, order: Ints) -> pa.Table:
    """Put the rows of a table into `order`."""
    return table.take(pa.array(order))


def at_rows(strings: Strings, rows: Ints) -> Strings:
    """Take text at rows; a negative row gives NULL."""
    taken = take(strings, np.maximum(rows, 0))
    return pa.compute.if_else(pa.array(rows >= 0), taken, pa.scalar(None, TEXT))
