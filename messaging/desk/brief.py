"""A customer in a few sentences, so that nobody has to ask them again for what they told us already. Pure."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from data_contracts.sentences import counted
from messaging.customers import OpenConversation, Order, Shipment
from messaging.desk.follow_ups import FollowUp
from messaging.desk.notes import Note
from messaging.policy.words import channel_name

QUOTED = 140  # letters of what somebody said
MOST = 2  # of each kind: whoever wants more looks below
LOW_CSAT = 0.4  # of 1, whatever scale it was asked on
LOW_NPS = 6
Money = Callable[[int], str]


def brief(  # noqa: PLR0913 - what is known of a customer
    facts: Mapping[str, Any],
    *,
    conversations: Sequence[OpenConversation],
    orders: Sequence[Order],
    shipments: Sequence[Shipment],
    follow_ups: Sequence[FollowUp],
    notes: Sequence[Note],
    now: datetime,
    zone: str,
    money: Money,
) -> tuple[str, ...]:
    """Say what matters before the first word: who they are, what they wait for, what went wrong, what was promised."""
    waiting = [each for each in conversations if each.waiting_since]
    late = [each for each in shipments if each.status == "failed" or _is_late(each)]
    promised = [each for each in follow_ups if not each.settled_at]
    lines = [
        _who(facts, orders, zone, money),
        *(_waits(each, now) for each in waiting[:MOST]),
        *(_parcel(each, zone) for each in late[:MOST]),
        *_went_wrong(facts),
        *(_promised(each, now, zone) for each in promised[:MOST]),
        *(
            f"{each.written_by} noted on {_day(each.written_at, zone)}: {_quote(each.body)}"
            for each in notes[:1]
        ),
    ]
    return tuple(line for line in lines if line)


def waited(since: datetime, now: datetime) -> str:
    """Say how long somebody has waited: 40 minutes, 3 hours, 2 days."""
    wait = max(now - since, timedelta())
    if wait >= timedelta(days=2):
        return counted(wait.days, "day")
    hours, rest = divmod(int(wait.total_seconds()), 3600)
    return counted(hours, "hour") if hours else counted(max(rest // 60, 1), "minute")


def _who(facts: Mapping[str, Any], orders: Sequence[Order], zone: str, money: Money) -> str:
    name = facts["display_name"] or "Somebody whose name we do not know"
    number = facts["order_count"] or 0
    if not number:
        return f"{name} has not bought yet."
    since = facts["first_order_at"]
    told = f"{name} has placed {counted(number, 'order')}"
    told += f" since {since:%B %Y}" if since else ""
    told += f", {money(facts['net_revenue_minor'])} after refunds"
    if orders:
        last = orders[0]
        told += (
            f"; the last is {last.order_id} of {_day(last.ordered_at, zone)}, {money(last.net_amount_minor)}"
        )
    return f"{told}."


def _waits(each: OpenConversation, now: datetime) -> str:
    assert each.waiting_since is not None
    about = f" about {each.topic.replace('_', ' ')}" if each.topic else ""
    order = f" (order {each.order_id})" if each.order_id else ""
    words = f": {_quote(each.words)}" if each.words else "."
    if each.answered_at:
        return f"We have just answered them{about}{order}; they had said{words}"
    how_long = waited(each.waiting_since, now)
    return f"They have waited {how_long} for an answer by {_by(each.channel)}{about}{order}{words}"


def _parcel(parcel: Shipment, zone: str) -> str:
    with_whom = f" with {parcel.carrier}" if parcel.carrier else ""
    if parcel.status == "failed":
        return f"The parcel of order {parcel.order_id}{with_whom} could not be delivered."
    days = counted(int(parcel.days_late or 0), "day")
    due = f", expected on {_day(parcel.estimated_delivery_at, zone)}" if parcel.estimated_delivery_at else ""
    return f"The parcel of order {parcel.order_id}{with_whom} is {days} late{due}."


def _is_late(parcel: Shipment) -> bool:
    return parcel.status != "delivered" and (parcel.days_late or 0) > 0


def _went_wrong(facts: Mapping[str, Any]) -> list[str]:
    lines = []
    if complaints := facts.get("open_complaint_count") or 0:
        lines.append(
            f"{counted(complaints, 'complaint')} of theirs {'is' if complaints == 1 else 'are'} not settled."
        )
    if again := facts.get("repeat_contacts_7d") or 0:
        lines.append(f"They had to ask again {counted(again, 'time')} within 7 days.")
    csat, nps = facts.get("last_csat"), facts.get("last_nps")
    if csat is not None and csat <= LOW_CSAT:
        lines.append(f"They were last {100 * csat:.0f} % satisfied.")
    elif nps is not None and nps <= LOW_NPS:
        lines.append(f"They would hardly recommend us: {nps:g} of 10.")
    return lines


def _promised(each: FollowUp, now: datetime, zone: str) -> str:
    overdue = f", {waited(each.due_at, now)} ago" if each.due_at < now else ""
    return f"{each.made_by} promised by {_day(each.due_at, zone)}{overdue}: {_quote(each.promise)}"


def _by(channel: str | None) -> str:
    return channel_name(channel) if channel else "a channel that nobody noted"


def _quote(text: str | None) -> str:
    words = " ".join((text or "").split())
    return f"“{words if len(words) <= QUOTED else words[: QUOTED - 1].rstrip() + '…'}”"


def _day(moment: datetime, zone: str) -> str:
    return f"{moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)):%-d %B %Y}"
