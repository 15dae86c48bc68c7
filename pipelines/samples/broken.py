"""Records that no contract should accept, a few in each file, so that the quarantine has something to show.

Each is written as its file's reader would find it, with a word on what is wrong. They belong to nobody.
"""

from typing import Any, NamedTuple

# columns of the customers export that only this shop has
CREATED_AT = "Created at (customer.metafields.custom.created_at)"
BIRTH_DATE = "Birth date (customer.metafields.facts.birth_date)"


class Broken(NamedTuple):
    """What is wrong with a bad record, and the values that replace good ones, in the vendor's shape."""

    defect: str
    record: dict[str, Any]


BROKEN: dict[str, tuple[Broken, ...]] = {
    "shopify_orders.csv": (
        Broken("unparsable date", {"Name": "#900000001", "Created at": "31/31/2026 25:00"}),
        Broken("negative price", {"Name": "#900000002", "Lineitem price": "-12.50"}),
        Broken("unknown currency", {"Name": "#900000003", "Currency": "pounds"}),
        Broken("missing order number", {"Name": None}),
        Broken("quantity is not a number", {"Name": "#900000005", "Lineitem quantity": "two"}),
    ),
    "shopify_products.csv": (
        Broken("missing handle", {"Handle": None}),
        Broken("price is not a number", {"Handle": "price-on-request", "Variant Price": "on request"}),
    ),
    "shopify_fulfilments.json": (
        Broken("missing id", {"id": None}),
        Broken(
            "delivered before it was shipped",
            {"id": 4399999999902, "delivered_at": "2026-01-01T00:00:00+00:00"},
        ),
        Broken("unparsable date", {"id": 4399999999903, "created_at": "soon"}),
    ),
    "shopify_customers.csv": (
        Broken("missing customer id", {"Customer ID": None}),
        Broken("impossible birth date", {"Customer ID": "'7199999999902", BIRTH_DATE: "1987-02-31"}),
        Broken("unparsable date", {"Customer ID": "'7199999999903", CREATED_AT: "last spring"}),
    ),
    "consents.csv": (
        Broken("unknown channel", {"record_id": "cns99999901", "channel": "fax"}),
        Broken("unknown action", {"record_id": "cns99999902", "action": "maybe"}),
        Broken("unparsable date", {"record_id": "cns99999903", "occurred_at": "2026-13-01 10:00:00"}),
    ),
    "support.mbox": (
        Broken(
            "unparsable date", {"Message-ID": "<broken-1@mail.example.org>", "Date": "yesterday around noon"}
        ),
        Broken("nobody wrote it", {"Message-ID": "<broken-2@mail.example.org>", "From": None}),
    ),
    "sendgrid_events.json": (
        Broken("missing event id", {"sg_event_id": None}),
        Broken("unknown event", {"sg_event_id": "ffffffffffffffffffffffffffffff02", "event": "teleported"}),
        Broken(
            "unparsable time", {"sg_event_id": "ffffffffffffffffffffffffffffff03", "timestamp": "noonish"}
        ),
        Broken("missing address", {"sg_event_id": "ffffffffffffffffffffffffffffff04", "email": None}),
    ),
    "twilio_messages": (
        Broken("missing sid", {"sid": None}),
        Broken(
            "unparsable date", {"sid": "SMffffffffffffffffffffffffffffff02", "date_sent": "31 Smarch 2026"}
        ),
        Broken(
            "segments are not a number", {"sid": "SMffffffffffffffffffffffffffffff03", "num_segments": "many"}
        ),
    ),
    "chats.json": (
        Broken("missing message id", {"id": None}),
        Broken("unparsable time", {"id": 2, "at": "a while ago"}),
        Broken("unknown author", {"id": 3, "from": "ghost"}),
    ),
    "twilio_calls.json": (
        Broken("missing sid", {"sid": None}),
        Broken("unknown status", {"sid": "CAffffffffffffffffffffffffffffff02", "status": "engaged"}),
        Broken(
            "unparsable date",
            {"sid": "CAffffffffffffffffffffffffffffff03", "date_created": "Tuesday", "start_time": None},
        ),
    ),
    "zendesk_tickets.json": (
        Broken("missing ticket number", {"id": None}),
        Broken("unknown status", {"id": 399_999_901, "status": "lost"}),
        Broken("unparsable date", {"id": 399_999_902, "created_at": "last Tuesday"}),
    ),
    "zendesk_satisfaction.json": (
        Broken("missing rating number", {"id": None}),
        Broken("unparsable date", {"id": 89_999_901, "updated_at": "soon"}),
    ),
    "delighted_responses.json": (
        Broken("missing response number", {"id": None}),
        Broken("score is not a number", {"id": "699999901", "score": "lots"}),
        Broken("unparsable time", {"id": "699999902", "created_at": "noonish"}),
    ),
    "trustpilot_reviews.json": (
        Broken("missing review number", {"id": None}),
        Broken("stars are not a number", {"id": "ffffffffffffff01", "stars": "five"}),
    ),
    "klaviyo_reviews.json": (
        Broken("missing review number", {"id": None}),
        Broken("rating is not a number", {"id": "ffffffffffffff03", "attributes": {"rating": "great"}}),
    ),
    "typeform_responses.json": (
        Broken("missing token", {"token": None}),
        Broken(
            "unparsable date", {"token": "ffffffffffffffffffffffffffffff05", "submitted_at": "this morning"}
        ),
    ),
    "social_mentions.csv": (
        Broken("missing number", {"post_id": None}),
        Broken("unknown network", {"post_id": "919999901", "network": "town crier"}),
    ),
    "segment_calls.jsonl": (
        Broken("missing message id", {"messageId": None}),
        Broken(
            "unparsable time", {"messageId": "ajs-ffffffffffffffffffffffffffffff06", "timestamp": "just now"}
        ),
    ),
    "past_outreach.csv": (
        Broken("unknown arm", {"record_id": "po99999901", "arm": "control"}),
        Broken("unparsable date", {"record_id": "po99999902", "occurred_at": "2026-09-31T10:00:00Z"}),
        Broken("unknown channel", {"record_id": "po99999903", "channel": "pigeon"}),
    ),
}


def count_broken() -> dict[str, dict[str, int]]:
    """Count the bad records of each file by what is wrong with them."""
    return {
        name: {record.defect: sum(other.defect == record.defect for other in records) for record in records}
        for name, records in BROKEN.items()
    }
