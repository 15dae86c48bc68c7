"""What customers say of us: scores by month and topic, who is unhappy and whether somebody saw to it, what they ask for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select

from messaging.access import Sight
from messaging.customers import Customers
from messaging.store import Store
from messaging.store.among import among
from messaging.store.tables_desk import follow_ups

MONTHS = """
SELECT date_trunc('month', occurred_at)::TIMESTAMP AS month, kind, count(*) AS answers,
    count(*) FILTER (WHERE verdict = 'good') AS good, count(*) FILTER (WHERE verdict = 'bad') AS bad,
    avg(score_share) AS share
FROM c360.feedback WHERE occurred_at >= $since GROUP BY ALL ORDER BY ALL
"""
TOPICS = """
SELECT coalesce(talk.topic, feedback.product_name, 'other') AS topic, feedback.kind, count(*) AS answers,
    count(*) FILTER (WHERE verdict = 'good') AS good, count(*) FILTER (WHERE verdict = 'bad') AS bad
FROM c360.feedback AS feedback
LEFT JOIN (
    SELECT ticket_id, any_value(topic) AS topic FROM c360.conversations WHERE ticket_id IS NOT NULL GROUP BY ticket_id
) AS talk USING (ticket_id)
WHERE occurred_at >= $since AND coalesce(talk.topic, feedback.product_name) IS NOT NULL
GROUP BY ALL ORDER BY answers DESC, topic LIMIT 12
"""
BUYERS = """
SELECT coalesce(is_verified, false) AS is_verified, count(*) AS answers, avg(score_share) AS share
FROM c360.feedback WHERE kind = 'review' AND occurred_at >= $since GROUP BY ALL ORDER BY is_verified DESC
"""
UNHAPPY = """
SELECT feedback.customer_id, person.display_name AS name, feedback.occurred_at AS at, feedback.kind, feedback.score,
    feedback.score_scale AS scale, touch.body AS words
FROM c360.feedback AS feedback JOIN c360.customer_360 AS person USING (customer_id)
LEFT JOIN c360.customer_timeline AS touch USING (customer_id, touch_id)
WHERE feedback.verdict = 'bad' AND feedback.occurred_at >= $since
ORDER BY feedback.occurred_at DESC, feedback.touch_id LIMIT $most
"""
ASKED = """
SELECT topic, count(*) FILTER (WHERE started_at >= $since) AS now, count(*) FILTER (WHERE started_at < $since) AS before,
    count(*) FILTER (WHERE is_complaint AND started_at >= $since) AS complaints
FROM c360.conversations
WHERE topic IS NOT NULL AND started_at >= $since - ($since_to_now * INTERVAL 1 SECOND)
GROUP BY topic ORDER BY now DESC, topic LIMIT 12
"""
SOCIAL = """
SELECT date_trunc('month', occurred_at)::TIMESTAMP AS month, count(*) AS mentions, avg(sentiment) AS tone
FROM c360.customer_timeline WHERE kind = 'social' AND direction = 'in' AND occurred_at >= $since GROUP BY ALL ORDER BY ALL
"""


@dataclass(frozen=True)
class Unhappy:
    """Somebody who told us that they are not happy; `seen_to` says whether a follow-up was promised since, and kept."""

    customer_id: str
    name: str | None
    at: datetime
    kind: str
    score: float | None
    scale: int | None
    words: str | None
    seen_to: str  # nobody | promised | kept


@dataclass(frozen=True)
class Feedback:
    """What was said since a moment; rows are as the queries above name their columns."""

    months: Sequence[dict[str, Any]]
    topics: Sequence[dict[str, Any]]
    reviews: Sequence[dict[str, Any]]  # by whether the buyer is verified
    asked: Sequence[dict[str, Any]]  # conversations by topic, beside as long a time before
    social: Sequence[dict[str, Any]]


def feedback(customers: Customers, since: datetime, now: datetime) -> Feedback:
    """Count what was said since a moment (naive UTC)."""
    bound = {"since": since}
    with customers.reader.snapshot() as snapshot:
        if not (snapshot.has("feedback") and snapshot.has("conversations")):
            return Feedback((), (), (), (), ())
        spent = {"since_to_now": int((now - since).total_seconds())}
        return Feedback(
            months=snapshot.kept(MONTHS, bound),
            topics=snapshot.kept(TOPICS, bound),
            reviews=snapshot.kept(BUYERS, bound),
            asked=snapshot.kept(ASKED, bound | spent),
            social=snapshot.kept(SOCIAL, bound),
        )


def unhappy(
    customers: Customers, store: Store, since: datetime, sight: Sight, limit: int = 40
) -> list[Unhappy]:
    """Name who is unhappy, the newest first, masked, and whether somebody promised them something since."""
    with customers.reader.snapshot() as snapshot:
        if not snapshot.has("feedback"):
            return []
        rows = snapshot.kept(UNHAPPY, {"since": since, "most": limit})
    table = follow_ups.c
    query = select(table.customer_id, table.made_at, table.settled_as).where(among(table.customer_id, "ids"))
    with store.read() as connection:
        promised = connection.execute(query, {"ids": [row["customer_id"] for row in rows]}).all()
    found = []
    for row in rows:
        theirs = [
            each for each in promised if each.customer_id == row["customer_id"] and each.made_at >= row["at"]
        ]
        kept = any(each.settled_as == "kept" for each in theirs)
        seen_to = "kept" if kept else "promised" if theirs else "nobody"
        found.append(Unhappy(**row, seen_to=seen_to))
    return [replace(each, name=sight.name(each.name), words=sight.text(each.words)) for each in found]
