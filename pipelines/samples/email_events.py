"""What the mail provider reports: events of past campaigns and of order confirmations."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.samples.arrays import (
    Streams,
    blank,
    chance,
    hex_ids,
    join,
    marked,
    pick,
    seconds,
    take,
)
from pipelines.samples.contacts import Accounts
from pipelines.samples.history import History
from pipelines.samples.outreach import CAMPAIGNS, EMAIL_ENDS, Outreach
from pipelines.samples.people import People
from pipelines.samples.signatures import clean_emails
from pipelines.samples.tables import Owned, canonical
from pipelines.samples.times import END

EVENTS = (
    "processed",
    "delivered",
    "bounce",
    "dropped",
    "deferred",
    "open",
    "click",
    "unsubscribe",
    "spamreport",
)
REASONS = {
    "delivered": "250 2.0.0 OK",
    "bounce": "550 5.1.1 mailbox does not exist",
    "dropped": "Bounced Address",
    "deferred": "451 try again later",
}
SERVICE_MAILS = ("order_confirmation", "dispatch_notice")
_Part = dict[str, Any]  # columns of events, before they are put in the order of time
SHOP = "https://harbour-and-pine.example.com/"


def email_events_table(streams: Streams, history: History) -> Owned:
    """Give every event up to the end of the world, oldest first; and whose it is."""
    parts = [_of_campaigns(history.people, history.accounts, history.outreach)]
    parts += [_of_service_mails(streams, history, index) for index in range(len(SERVICE_MAILS))]
    columns = {
        name: np.concatenate([part[name] for part in parts])
        for name in ("person", "at", "kind", "machine", "campaign", "about")
    }
    email, reference = (pa.concat_arrays([part[name] for part in parts]) for name in ("email", "reference"))
    order = np.lexsort((columns["kind"], columns["person"], columns["at"]))
    order = order[columns["at"][order] <= END]
    kind, campaign = columns["kind"][order], columns["campaign"][order]
    count = len(order)
    ids = hex_ids("event", streams.seed, streams.first * 50 + np.arange(count))
    names = (*SERVICE_MAILS, *(name for name, _, _ in CAMPAIGNS))
    clicks = kind == EVENTS.index("click")
    table = canonical(
        "email_events",
        "sendgrid",
        count,
        END,
        source_record_id=join("event/", ids),
        occurred_at=columns["at"][order]
        .astype("M8[s]")
        .astype("M8[us]"),  # the provider counts whole seconds
        event_id=ids,
        event=pick(EVENTS, kind),
        email=take(email, order),
        message_ref=take(reference, order),
        url=blank(join(SHOP, pick(names, campaign)), ~clicks),
        reason=pick([REASONS.get(event) for event in EVENTS], kind),
        is_machine=pa.array(columns["machine"][order], mask=kind != EVENTS.index("open")),
        campaign=pick(names, campaign),
    )
    return Owned(table, columns["person"][order]).some(history.happened(columns["about"][order]))


def _of_campaigns(people: People, accounts: Accounts, outreach: Outreach) -> _Part:
    """Spread each e-mail of a campaign into its events."""
    mails = np.flatnonzero(~outreach.held_out & ~outreach.by_sms)
    sent, end = outreach.at[mails], outreach.end[mails]
    ended = sent + np.timedelta64(45, "s")
    left = outreach.left_at[mails]
    spam = outreach.complained[mails]
    never = np.datetime64("NaT", "us")
    times = np.stack(
        [
            sent + np.timedelta64(1, "s"),
            outreach.delivered_at[mails],
            *[
                np.where(end == list(EMAIL_ENDS).index(name), ended, never)
                for name in ("bounce", "dropped", "deferred")
            ],
            outreach.opened_at[mails],
            outreach.clicked_at[mails],
            np.where(spam, never, left),
            np.where(spam, left, never),
        ]
    )
    kind, row = np.nonzero(~np.isnat(times))
    account = outreach.account[mails][row]
    person = accounts.person[account]
    return {
        "person": person,
        "at": times[kind, row],
        "kind": kind,
        "machine": (kind == EVENTS.index("open")) & outreach.opened_by_machine[mails][row],
        "campaign": len(SERVICE_MAILS) + outreach.campaign[mails][row],
        "about": np.full(len(row), -1),
        "email": clean_emails(people, person, accounts.selves[account]),
        "reference": take(outreach.message_id, mails[row]),
    }


def _of_service_mails(streams: Streams, history: History, index: int) -> _Part:
    """Confirm each order that has an address, or tell that its parcel was sent; some mails are opened."""
    rng, orders, parcels = streams(SERVICE_MAILS[index]), history.drawn.orders, history.drawn.parcels
    written = marked(pc.match_substring(orders.signed.email, "@"))
    about = np.flatnonzero(written) if index == 0 else parcels.order[written[parcels.order]]
    sent = orders.at[about] if index == 0 else parcels.shipped_at[written[parcels.order]]
    opened = np.flatnonzero(chance(rng, len(about), 0.5))
    row = np.r_[np.arange(len(about)), opened]
    wait = np.r_[rng.uniform(4, 60, len(about)), rng.exponential(4000, len(opened)) + 61]
    order = about[row]
    return {
        "person": orders.person[order],
        "at": sent[row] + seconds(wait),
        "kind": np.where(np.arange(len(row)) < len(about), EVENTS.index("delivered"), EVENTS.index("open")),
        "machine": np.zeros(len(order), dtype=np.bool_),
        "campaign": np.full(len(order), index),
        "about": order,
        "email": take(orders.signed.email, order),
        "reference": join("hp-", hex_ids(SERVICE_MAILS[index], streams.seed, streams.first * 10 + order)),
    }
