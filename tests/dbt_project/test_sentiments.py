"""That a record finds the mood of what was said in it, and only what customers said is read."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conftest import Company

AS_OF = "2026-10-30 12:00:00"


def record(table: str, number: int, **more: Any) -> dict[str, Any]:
    """Make a record of any kind."""
    return {
        "source": "desk",
        "source_record_id": f"{table}/{number}",
        "occurred_at": "2026-10-01 10:00:00",
        **more,
    }


LANDED: dict[str, list[dict[str, Any]]] = {
    "reviews": [
        record(
            "reviews",
            1,
            review_id="1",
            rating=5,
            rating_scale=5,
            title="Lovely",
            body="I love this mug",
            email="a@example.com",
        ),
        record(
            "reviews",
            2,
            review_id="2",
            rating=1,
            rating_scale=5,
            body="Awful, it broke",
            email="b@example.com",
        ),
    ],
    "sms_messages": [
        record(
            "sms", 1, message_id="1", channel="sms", direction="inbound", phone="+447700900001", body="Great!"
        ),
        record(
            "sms", 2, message_id="2", channel="sms", direction="inbound", phone="+447700900002", body="Great!"
        ),
        record(
            "sms",
            3,
            message_id="3",
            channel="sms",
            direction="outbound",
            phone="+447700900002",
            body="Sorry!",
        ),
        record(
            "sms",
            4,
            message_id="4",
            channel="sms",
            direction="inbound",
            phone="+447700900003",
            body="Das ist wirklich sehr schade",
        ),
    ],
}


def test_a_record_finds_the_mood_of_what_was_said_in_it(found_company: Callable[[str], "Company"]) -> None:
    company = found_company("sentiments")
    company.land(LANDED)
    company.build(AS_OF)
    found = company.rows(
        """
        SELECT reviews.source_record_id AS record, moods.label, moods.language
        FROM staging.stg_landing__reviews AS reviews
        JOIN staging.stg_scoring__sentiments AS moods
            ON moods.text_key = md5(trim(coalesce(reviews.title || ': ', '') || reviews.body))
        UNION ALL
        SELECT texts.source_record_id, moods.label, moods.language
        FROM staging.stg_landing__sms_messages AS texts
        JOIN staging.stg_scoring__sentiments AS moods ON moods.text_key = md5(trim(texts.body))
        ORDER BY record
        """
    )
    assert [tuple(row.values()) for row in found] == [
        ("reviews/1", "positive", "en"),
        ("reviews/2", "negative", "en"),
        ("sms/1", "positive", "en"),
        ("sms/2", "positive", "en"),
        ("sms/4", "unknown", "de"),
    ]
    assert company.rows("SELECT count(*) AS texts FROM scoring.sentiments") == [{"texts": 4}]


def test_a_company_to_whom_nobody_writes_is_built_too(found_company: Callable[[str], "Company"]) -> None:
    company = found_company("silent")
    company.land({})
    company.build(AS_OF)
    assert company.rows("SELECT * FROM staging.stg_scoring__sentiments") == []
