"""A timeline narrowed to what somebody looks for: channels, words, a day. Pure: entries in, entries out."""

import unicodedata
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from messaging.customers.views import TimelineEntry

ANSWER_WITHIN = timedelta(days=14)  # what comes later answers something else


def narrowed(
    entries: Sequence[TimelineEntry],
    *,
    channels: Collection[str] = (),
    words: str = "",
    until: datetime | None = None,
) -> list[TimelineEntry]:
    """Keep the entries of these channels (none: of all) that hold every word, up to a moment (naive UTC).

    Case, accents and the order of words do not matter; a part of a word is found.
    """
    wanted = plain(words).split()
    return [
        each
        for each in entries
        if (not channels or (each.channel or "other") in channels)
        and (until is None or each.occurred_at <= until)
        and _holds(each, wanted)
    ]


def answer_seconds(entries: Sequence[TimelineEntry]) -> dict[str, float]:
    """Say how long they usually take to answer us, in seconds (the median) by channel: of what they did answer.

    An answer is the first thing that they say on a channel after we did, within 14 days.
    """
    taken: dict[str, list[float]] = {}
    spoken = sorted(
        (each for each in entries if each.channel and each.kind not in {"email_event", "order", "shipment"}),
        key=lambda each: each.occurred_at,
    )
    for channel in {str(each.channel) for each in spoken}:
        theirs = [each for each in spoken if each.channel == channel and each.direction in {"in", "out"}]
        for one, other in pairwise(theirs):
            wait = other.occurred_at - one.occurred_at
            if (one.direction, other.direction) == ("out", "in") and wait <= ANSWER_WITHIN:
                taken.setdefault(channel, []).append(wait.total_seconds())
    return {channel: median(waits) for channel, waits in taken.items()}


def plain(text: str) -> str:
    """Give a text without case and accents, to be compared."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in apart if not unicodedata.combining(each))


def _holds(entry: TimelineEntry, wanted: Sequence[str]) -> bool:
    if not wanted:
        return True
    said = plain(" ".join(filter(None, (entry.title, entry.body, entry.campaign, entry.state))))
    return all(word in said for word in wanted)
