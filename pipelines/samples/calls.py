"""Phone calls, as the provider of the line logs them: people who ring, check-ins, and those that nobody takes."""

import numpy as np
import pyarrow as pa

from pipelines.samples.arrays import (
    Streams,
    Times,
    chance,
    choose,
    days,
    hex_ids,
    join,
    pick,
    seconds,
    weighted,
)
from pipelines.samples.checkins import CheckIns
from pipelines.samples.conversations import curiosity, late_parcels
from pipelines.samples.habits import CHANNELS
from pipelines.samples.history import History
from pipelines.samples.phones import e164
from pipelines.samples.tables import Owned, canonical
from pipelines.samples.texts import OURS
from pipelines.samples.times import END

RING, RING_IF_PREFERRED = 0.08, 1.1  # calls a person
RING_ABOUT_LATE = 0.12  # of late parcels
TAKEN = 0.86  # of the calls that reach us; the others give up
CENT_A_MINUTE = 8_500  # millionths of a dollar
NEVER = np.datetime64("NaT", "us")


def calls_table(streams: Streams, history: History, checkins: CheckIns) -> Owned:
    """Give every call in both directions, oldest first; people ring from their own number only."""
    rng, people, habits = streams("calls"), history.people, history.habits
    keen = np.flatnonzero(habits.channel == CHANNELS.index("voice"))
    asked = curiosity(rng, people, RING)
    late = late_parcels(rng, history.drawn.orders, history.drawn.parcels, RING_ABOUT_LATE)
    late_rows = np.flatnonzero(history.happened(late.order))
    often = np.repeat(keen, rng.poisson(RING_IF_PREFERRED, len(keen)))
    lately = END - days(rng.uniform(0.2, 170, len(often)))
    ours = checkins.by("voice")
    person = np.r_[asked.person, late.person[late_rows], often, ours.person]
    at: Times = np.r_[asked.at, late.at[late_rows], lately, ours.at]
    inbound = np.arange(len(person)) < len(person) - len(ours.person)
    taken = np.where(
        inbound,
        chance(rng, len(person), TAKEN),
        np.r_[np.zeros(inbound.sum(), dtype=np.bool_), ours.answered],
    )
    lasted = np.where(taken, 40 + rng.exponential(180, len(person)), 0).astype(np.int64)
    kept = habits.own_phone[person] & (at > people.joined[person]) & (at + seconds(lasted) < END)
    order = np.flatnonzero(kept)
    order = order[np.lexsort((person[order], at[order]))]
    person, at, inbound, taken, lasted = person[order], at[order], inbound[order], taken[order], lasted[order]
    count = len(order)
    missed = np.where(inbound, 0, 1 + weighted(rng, count, (0.8, 0.2)))
    queued = np.where(inbound & taken, rng.integers(1, 240, count), 0)
    phone = e164(people.phones[person])
    sid = join("CA", hex_ids("call", streams.seed, streams.first * 10 + np.arange(count)))
    price = np.where(taken, (lasted // 60 + 1) * CENT_A_MINUTE, 0)
    table = canonical(
        "calls",
        "twilio",
        count,
        END,
        source_record_id=join("call/", sid),
        occurred_at=at,
        call_id=sid,
        direction=choose(inbound, "inbound", "outbound"),
        phone=phone,
        from_address=choose(inbound, phone, OURS),
        to_address=choose(inbound, OURS, phone),
        status=choose(taken, "completed", pick(("no_answer", "no_answer", "busy"), missed)),
        ended_at=np.where(taken, at + seconds(lasted), NEVER),
        duration_seconds=lasted,
        queue_seconds=pa.array(queued, mask=queued == 0),
        price_micros=pa.array(price, mask=~taken),
        currency=pick((None, "USD"), taken.astype(np.int64)),
    )
    return Owned(table, person)
