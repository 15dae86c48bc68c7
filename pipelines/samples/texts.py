"""Text messages: parcel news, people who ask where their order is, and people who say stop."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.samples.arrays import (
    Floats,
    Ints,
    Random,
    Streams,
    Strings,
    Times,
    chance,
    choose,
    days,
    hex_ids,
    join,
    marked,
    pick,
    seconds,
    take,
    weighted,
)
from pipelines.samples.checkins import CheckIns, checkin_texts
from pipelines.samples.contacts import Accounts
from pipelines.samples.conversations import Episodes, Stage, late_parcels
from pipelines.samples.history import History
from pipelines.samples.orders import Orders
from pipelines.samples.outreach import Outreach
from pipelines.samples.people import People
from pipelines.samples.phones import e164
from pipelines.samples.shipments import Shipments
from pipelines.samples.signatures import Acts, phone_numbers
from pipelines.samples.tables import Owned, canonical, in_time, joined
from pipelines.samples.times import END, HOUR
from pipelines.samples.wording import read_scripts

OURS = "+15005550006"  # the provider's own test sender
NEWS_BY_TEXT = 0.45  # of parcels whose owner has a phone
ASK_BY_TEXT = 0.3  # of late parcels
SIDE_NOTES = 0.004  # of people: a message that has a stop word in it and is no opt-out
DOLLAR_MICROS = 41_000  # a segment, in millionths of a dollar
ENDS = (0.965, 0.025, 0.01)
FAILURES = (None, 30003, 30005)


def sms_messages_table(streams: Streams, history: History, checkins: CheckIns) -> Owned:
    """Give every text message in both directions, oldest first; and whose it is."""
    parts = [_news_and_answers(streams, history)]
    parts += [_personal(streams, history, checkins, channel) for channel in ("sms", "whatsapp")]
    return in_time(joined(*parts))


def _news_and_answers(streams: Streams, history: History) -> Owned:
    rng = streams("texts")
    orders, parcels = history.drawn.orders, history.drawn.parcels
    stage = Stage(rng, history.people, orders)
    said = [
        _say(stage, _news(rng, orders, parcels), "dispatched", inbound=False),
        _say(stage, _apologies(rng, orders, parcels), "late", inbound=False),
        *_exchange(stage, late_parcels(rng, orders, parcels, ASK_BY_TEXT)),
        _say(stage, _stops(history.accounts, history.outreach), "stop", inbound=True),
        _say(stage, _side_notes(rng, history.people), "not_a_stop", inbound=True),
    ]
    person, at, inbound, about = (np.concatenate([part[at] for part in said]) for at in (0, 1, 2, 3))
    body, mood = (pa.concat_arrays([part[at] for part in said]) for at in (4, 5))
    phone = phone_numbers(history.people, Acts(person, np.zeros(len(person), np.int64), at))
    kept = np.flatnonzero((phone > 0) & (at <= END))
    kept = kept[np.lexsort((inbound[kept], person[kept], at[kept]))]
    person, at, inbound, phone = person[kept], at[kept], inbound[kept], phone[kept]
    body, mood, about = take(body, kept), take(mood, kept), about[kept]
    end = np.where(inbound, 0, weighted(rng, len(kept), ENDS))
    segments = _segments(body)
    written = e164(phone)
    sid = join("SM", hex_ids("sms", streams.seed, streams.first * 10 + np.arange(len(kept))))
    table = canonical(
        "sms_messages",
        "twilio",
        len(kept),
        END,
        source_record_id=join("message/", sid),
        occurred_at=at,
        message_id=sid,
        channel="sms",
        direction=choose(inbound, "inbound", "outbound"),
        phone=written,
        from_address=choose(inbound, written, OURS),
        to_address=choose(inbound, OURS, written),
        body=body,
        status=choose(inbound, "received", pick(("delivered", "undelivered", "failed"), end)),
        error_code=pa.array(FAILURES, pa.int32()).take(pa.array(end)),
        segment_count=segments,
        media_count=np.zeros(len(kept), np.int64),
        price_micros=np.where(end == 2, 0, np.where(inbound, 7_500, segments * DOLLAR_MICROS)),
        currency="USD",
    )
    return Owned(table, person, mood).some(history.happened(about))


def _personal(streams: Streams, history: History, checkins: CheckIns, channel: str) -> Owned:
    """Write down the check-ins of one channel and what was answered."""
    said = checkin_texts(streams, history, checkins, channel)
    count, inbound = len(said.person), said.inbound
    phone = e164(history.people.phones[said.person])
    prefix = "whatsapp:" if channel == "whatsapp" else ""
    theirs, ours = join(prefix, phone), prefix + OURS
    segments = _segments(said.body) if channel == "sms" else np.ones(count, np.int64)
    price = 7_500 if channel == "sms" else 5_000
    sid = join("SM", hex_ids(f"checkin/{channel}", streams.seed, streams.first * 10 + np.arange(count)))
    table = canonical(
        "sms_messages",
        "twilio",
        count,
        END,
        source_record_id=join("message/", sid),
        occurred_at=said.at,
        message_id=sid,
        channel=channel,
        direction=choose(inbound, "inbound", "outbound"),
        phone=phone,
        from_address=choose(inbound, theirs, ours),
        to_address=choose(inbound, ours, theirs),
        body=said.body,
        status=choose(inbound, "received", "delivered"),
        segment_count=segments,
        media_count=np.zeros(count, np.int64),
        price_micros=np.where(inbound, price, segments * DOLLAR_MICROS),
        currency="USD",
    )
    return Owned(table, said.person, said.mood)


# person, when, inbound (0 or 1), about which order, text, mood
Said = tuple[Ints, Times, Ints, Ints, Strings, Strings]


def _say(stage: Stage, episodes: Episodes, topic: str, *, inbound: bool) -> Said:
    """Say one text of a topic for each episode."""
    turns = stage.play(episodes, read_scripts("sms", topic), 0)
    inwards = np.full(len(turns.at), inbound)
    person, about = episodes.person[turns.episode], episodes.order[turns.episode]
    return person, turns.at, inwards, about, turns.text, turns.mood


def _exchange(stage: Stage, asked: Episodes) -> list[Said]:
    """Let people ask where their parcel is, an agent answer, and some say thank you."""
    rng, count = stage.rng, len(asked)
    answered = _later(asked, rng.uniform(300, 7200, count))
    pleased = np.flatnonzero(chance(rng, count, 0.4))
    thanks = _some(_later(answered, rng.uniform(60, 1800, count)), pleased)
    return [
        _say(stage, asked, "where_is", inbound=True),
        _say(stage, answered, "where_answer", inbound=False),
        _say(stage, thanks, "thanks", inbound=True),
    ]


def _news(rng: Random, orders: Orders, parcels: Shipments) -> Episodes:
    rows = np.flatnonzero(chance(rng, len(parcels), NEWS_BY_TEXT))
    order = parcels.order[rows]
    return Episodes(orders.person[order], parcels.shipped_at[rows], order, np.zeros(len(rows), np.int64))


def _apologies(rng: Random, orders: Orders, parcels: Shipments) -> Episodes:
    rows = np.flatnonzero(parcels.late & chance(rng, len(parcels), 0.6))
    order = parcels.order[rows]
    return Episodes(
        orders.person[order], parcels.promised_at[rows] + 3 * HOUR, order, np.ones(len(rows), np.int64)
    )


def _stops(accounts: Accounts, outreach: Outreach) -> Episodes:
    rows = np.flatnonzero(outreach.by_sms & ~np.isnat(outreach.left_at))
    nothing = np.zeros(len(rows), np.int64)
    return Episodes(accounts.person[outreach.account[rows]], outreach.left_at[rows], nothing - 1, nothing)


def _side_notes(rng: Random, people: People) -> Episodes:
    rows = np.flatnonzero(chance(rng, len(people), SIDE_NOTES))
    nothing = np.zeros(len(rows), np.int64)
    return Episodes(rows, END - days(rng.uniform(1, 90, len(rows))), nothing - 1, nothing)


def _later(episodes: Episodes, later: Floats) -> Episodes:
    return Episodes(episodes.person, episodes.at + seconds(later), episodes.order, episodes.days)


def _some(episodes: Episodes, rows: Ints) -> Episodes:
    return Episodes(episodes.person[rows], episodes.at[rows], episodes.order[rows], episodes.days[rows])


def _segments(body: Strings) -> Ints:
    """Count segments: 160 letters in one, 153 a piece in more; 70 and 67 where a letter needs UCS-2."""
    length = np.asarray(pc.utf8_length(body))
    wide = ~marked(pc.string_is_ascii(body))
    one, more = np.where(wide, 70, 160), np.where(wide, 67, 153)
    return np.where(length <= one, 1, -(-length // more))
