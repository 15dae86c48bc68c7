"""The canonical tables of a world: their columns, in the order of the contracts in data_contracts/inbound."""

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from pipelines.samples.arrays import Flags, Ints, Strings, digits, join, take

TIME = pa.timestamp("us")
TEXT = pa.string()
WHOLE = pa.int64()
SMALL = pa.int32()


class Owned(NamedTuple):
    """A canonical table, whose each of its rows is (a position in the people), and in what mood it was written.

    `mood` is positive, neutral or negative; None where nobody wrote anything, and NULL in rows that the company
    wrote.
    """

    table: pa.Table
    person: Ints
    mood: Strings | None = None

    def some(self, rows: Flags | Ints) -> "Owned":
        """Keep the rows of these numbers, in their order, or those that are marked."""
        numbers = pa.array(np.flatnonzero(rows) if rows.dtype == np.bool_ else rows)
        mood = None if self.mood is None else self.mood.take(numbers)
        return Owned(self.table.take(numbers).combine_chunks(), self.person[rows], mood)


_HEAD = {"source": TEXT, "source_record_id": TEXT, "occurred_at": TIME, "received_at": TIME}
_ODD_TYPES = {
    "quantity": WHOLE, "unit_price_minor": WHOLE, "net_amount_minor": WHOLE, "price_minor": WHOLE,
    "price_micros": WHOLE, "attachment_count": SMALL, "error_code": SMALL, "segment_count": SMALL,
    "media_count": SMALL, "is_machine": pa.bool_(), "is_private": pa.bool_(), "birth_date": pa.date32(), "shipped_at": TIME,
    "estimated_delivery_at": TIME, "delivered_at": TIME, "read_at": TIME, "clicked_at": TIME,
    "updated_at": TIME, "first_response_at": TIME, "solved_at": TIME, "due_at": TIME, "sla_breached": pa.bool_(),
    "rating": pa.float64(), "rating_scale": SMALL, "is_verified": pa.bool_(), "is_published": pa.bool_(),
    "replied_at": TIME, "score": pa.float64(), "score_scale": SMALL, "ended_at": TIME, "duration_seconds": SMALL,
    "queue_seconds": SMALL, "value_minor": WHOLE,
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
    "tickets": "ticket_id external_id email phone handle given_name family_name order_id subject description "
    "status priority kind channel assignee group_name tags updated_at first_response_at solved_at due_at "
    "sla_breached satisfaction satisfaction_comment",
    "reviews": "review_id external_id email handle given_name family_name product_id product_name order_id "
    "rating rating_scale title body is_verified is_published language url channel reply_text replied_at",
    "calls": "call_id direction phone from_address to_address external_id email given_name family_name status "
    "ended_at duration_seconds queue_seconds agent_name recording_url transcript summary topic price_micros "
    "currency",
    "form_submissions": "submission_id form_id form_name page_url external_id email phone device_id given_name "
    "family_name street city postcode country message fields",
    "social_messages": "message_id conversation_id channel kind direction handle external_id phone email given_name "
    "family_name body url media_count status in_reply_to",
    "events": "event_id name external_id email phone device_id handle value_minor currency order_id product_id url "
    "campaign properties",
    "survey_responses": "response_id survey_id survey_name kind score score_scale question answer external_id "
    "email phone device_id given_name family_name order_id ticket_id channel",
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


def joined(*parts: Owned) -> Owned:
    """Put several tables of one kind behind each other, with their owners and moods."""
    moods = [part.mood if part.mood is not None else pa.nulls(part.table.num_rows, TEXT) for part in parts]
    return Owned(
        pa.concat_tables([part.table for part in parts]).combine_chunks(),
        np.concatenate([part.person for part in parts]),
        pa.concat_arrays(moods),
    )


def in_time(owned: Owned) -> Owned:
    """Put the rows of a table into the order of time; those of one moment stay as they are."""
    return owned.some(np.argsort(owned.table["occurred_at"].to_numpy(), kind="stable"))


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
