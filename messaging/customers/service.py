"""How well people are answered, and how many answer us: the newest whole weeks against what is usual."""

from dataclasses import dataclass
from datetime import date, timedelta

from messaging.release import Snapshot

WEEK = timedelta(days=7)
ANSWERED_WITHIN = timedelta(days=1)  # what metric_first_response_weekly counts as in time

FIRST_RESPONSE = """
SELECT week, question_count, waiting_count, in_time_rate, usual_in_time_rate, median_seconds, usual_median_seconds
FROM c360.metric_first_response_weekly
WHERE channel = 'all' AND week <= $until AND question_count > 0 ORDER BY week DESC LIMIT 1
"""
# Usual rates are of each channel by itself; over all channels they count by how much we wrote by each.
RESPONSES = """
SELECT week, CAST(sum(written_count) AS BIGINT) AS written_count, CAST(sum(answered_count) AS BIGINT) AS answered_count,
       sum(usual_rate * written_count) / nullif(sum(written_count) FILTER (WHERE usual_rate IS NOT NULL), 0) AS usual_rate
FROM c360.metric_engagement_weekly WHERE is_settled GROUP BY week ORDER BY week DESC LIMIT 1
"""


@dataclass(frozen=True)
class FirstResponse:
    """How fast we gave first answers to what was asked in a week (its Monday); rates are 0 to 1, None while unknown."""

    week: date
    question_count: int
    waiting_count: int
    in_time_rate: float | None
    usual_in_time_rate: float | None
    median_seconds: float | None
    usual_median_seconds: float | None


@dataclass(frozen=True)
class Responses:
    """How many of those whom we wrote to in a week (its Monday) answered us."""

    week: date
    written_count: int
    answered_count: int
    usual_rate: float | None

    @property
    def rate(self) -> float:
        """The share that answered, 0 to 1."""
        return self.answered_count / self.written_count if self.written_count else 0.0


@dataclass(frozen=True)
class Service:
    """The newest whole weeks of both directions; None where a release does not tell, or nobody said anything."""

    first_response: FirstResponse | None = None
    responses: Responses | None = None


def service(snapshot: Snapshot) -> Service:
    """Read the newest whole week of answers, and the newest in which all answers to us are in."""
    first = answers = None
    if snapshot.has("metric_first_response_weekly"):
        first = snapshot.row(FIRST_RESPONSE, {"until": (snapshot.info.as_of - WEEK).date()})
    if snapshot.has("metric_engagement_weekly"):
        answers = snapshot.row(RESPONSES)
    return Service(FirstResponse(**first) if first else None, Responses(**answers) if answers else None)
