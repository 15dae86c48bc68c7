"""What people say when asked and in public: the survey tool's answers, and reviews of shop and products."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.samples.arrays import join, take
from pipelines.samples.broken import BROKEN
from pipelines.samples.shapes.written import UTC, WrittenFile, as_rows, stamp, write_lines
from pipelines.samples.world import World

ANSWER = (
    "response_id", "kind", "score", "answer", "external_id", "email", "phone", "given_name", "family_name", "order_id",
)  # fmt: skip
REVIEW = (
    "review_id", "external_id", "email", "given_name", "family_name", "product_id", "product_name", "order_id",
    "rating", "title", "body", "is_verified", "language", "url", "reply_text",
)  # fmt: skip


def write_answers(world: World, out: Path) -> WrittenFile:
    """Write delighted_responses.json: recommendation and satisfaction, with the people expanded."""
    table = _of(world, "survey_responses", "delighted")
    seconds = table["occurred_at"].to_numpy().astype("M8[s]").astype(np.int64).tolist()
    answers = [_answer(at, row) for at, row in zip(seconds, as_rows(table, ANSWER), strict=True)]
    about = "answers to the survey tool's questions: would you recommend us, how satisfied are you"
    return _written(out / "delighted_responses.json", ("[", "]"), answers, about)


def write_shop_reviews(world: World, out: Path) -> WrittenFile:
    """Write trustpilot_reviews.json: reviews of the company, most of them of a known order."""
    table = _of(world, "reviews", "trustpilot")
    reviews = [_shop_review(row) for row in _review_rows(table)]
    about = "reviews of the company on Trustpilot"
    return _written(out / "trustpilot_reviews.json", ('{"reviews": [', "]}"), reviews, about)


def write_product_reviews(world: World, out: Path) -> WrittenFile:
    """Write klaviyo_reviews.json: reviews of products, verified buyers marked."""
    table = _of(world, "reviews", "klaviyo")
    reviews = [_product_review(row, by) for row, by in zip(_review_rows(table), _bylines(world), strict=True)]
    about = "reviews of products, from Klaviyo"
    return _written(out / "klaviyo_reviews.json", ('{"data": [', "]}"), reviews, about)


def _of(world: World, table: str, source: str) -> pa.Table:
    whole = world.tables[table]
    return whole.filter(pc.equal(whole["source"], source))


def _bylines(world: World) -> list[str]:
    """Give what stands under each review of a product: a name that is not given in full."""
    of_product = pc.equal(world.tables["reviews"]["source"], "klaviyo").to_numpy()
    person, people = world.owners["reviews"][of_product], world.history.people
    initial = pc.utf8_slice_codeunits(take(people.family, person), 0, 1)
    written: list[str] = join(take(people.given, person), " ", initial, ".").to_pylist()
    return written


def _review_rows(table: pa.Table) -> list[dict[str, Any]]:
    at, replied = (stamp(table[name].combine_chunks(), UTC) for name in ("occurred_at", "replied_at"))
    return list(as_rows(table, REVIEW, at=at, replied=replied))


def _written(path: Path, around: tuple[str, str], records: list[dict[str, Any]], about: str) -> WrittenFile:
    """Write a vendor's records and the bad ones behind them; the vendor's name begins the file's."""
    opening, closing = around
    bad = [_with(records[-1], fault) for _, fault in BROKEN[path.name]]
    write_lines(path, opening, records + bad, closing)
    return WrittenFile(path, path.name.split("_")[0], None, len(records) + len(bad), len(bad), about)


def _with(record: dict[str, Any], fault: dict[str, Any]) -> dict[str, Any]:
    """Put a fault into a record, one level deep."""
    deep = {key: record[key] | value for key, value in fault.items() if isinstance(value, dict)}
    return record | fault | deep


def _answer(at: int, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["response_id"],
        "person": {
            "id": row["external_id"],
            "name": f"{row['given_name']} {row['family_name']}",
            "email": row["email"],
            "phone_number": row["phone"],
        },
        "survey_type": row["kind"],
        "score": int(row["score"]),
        "comment": row["answer"],
        "permalink": f"https://app.delighted.example.com/r/{row['response_id']}",
        "created_at": at,
        "updated_at": None,
        "person_properties": {"order_id": row["order_id"]} if row["order_id"] else None,
        "notes": [],
        "tags": [],
        "additional_answers": [],
    }


def _shop_review(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["review_id"],
        "stars": int(row["rating"]),
        "title": row["title"],
        "text": row["body"],
        "language": row["language"],
        "createdAt": row["at"],
        "consumer": {"id": row["external_id"], "displayName": f"{row['given_name']} {row['family_name']}"},
        "referenceId": row["order_id"],
        "referralEmail": row["email"],
        "isVerified": row["is_verified"],
        "companyReply": {"text": row["reply_text"], "createdAt": row["replied"]} if row["replied"] else None,
    }


def _product_review(row: dict[str, Any], byline: str) -> dict[str, Any]:
    answered = row["replied"]
    return {
        "type": "review",
        "id": row["review_id"],
        "attributes": {
            "email": row["email"],
            "author": byline,
            "status": {"value": "published"},
            "verified": row["is_verified"],
            "review_type": "review",
            "created": row["at"],
            "updated": row["at"],
            "product": {"url": row["url"], "name": row["product_name"], "external_id": row["product_id"]},
            "rating": int(row["rating"]),
            "title": row["title"],
            "content": row["body"],
            "public_reply": {"content": row["reply_text"], "author": "Harbour & Pine", "updated": answered}
            if answered
            else None,
        },
        "relationships": {},
    }
