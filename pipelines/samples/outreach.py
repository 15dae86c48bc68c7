"""Ninety days of campaigns by an earlier tool, with people held out at random and a lift that is planted.

Whoever is sent a campaign buys once more within a fortnight with probability `LIFT`, whatever else they do,
whether or not the message arrived. So the expected difference in orders per person between those sent and
those held out is LIFT.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.samples.arrays import (
    DAY,
    Flags,
    Floats,
    Ints,
    Streams,
    Strings,
    Times,
    blank,
    chance,
    choose,
    days,
    fill,
    hex_ids,
    join,
    pick,
    seconds,
    take,
    weighted,
)
from pipelines.samples.contacts import Accounts, Permissions
from pipelines.samples.identifiers import of_the_shop
from pipelines.samples.orders import Intents
from pipelines.samples.people import People
from pipelines.samples.phones import e164
from pipelines.samples.signatures import clean_emails
from pipelines.samples.tables import canonical, record_ids
from pipelines.samples.times import END, HOUR, hours_ahead
from pipelines.samples.wording import read_campaign

LIFT = 0.06
HELD_OUT = 0.2
WINDOW_DAYS = 14
# name, channel, the day it began; each goes out at ten in the morning where the customer lives
CAMPAIGNS = (
    ("summer_clearance", "email", np.datetime64("2026-08-04T10:00:00", "us")),
    ("late_summer_text", "sms", np.datetime64("2026-08-20T10:00:00", "us")),
    ("new_autumn_range", "email", np.datetime64("2026-09-08T10:00:00", "us")),
    ("thank_you_text", "sms", np.datetime64("2026-09-24T10:00:00", "us")),
    ("harvest_week", "email", np.datetime64("2026-10-13T10:00:00", "us")),
)
EMAIL_ENDS = {"delivered": 0.965, "bounce": 0.012, "dropped": 0.006, "deferred": 0.017}
SMS_ENDS = {"delivered": 0.96, "undelivered": 0.028, "failed": 0.012}
_STATES = {"bounce": "failed", "dropped": "failed", "deferred": "sent"}
SMS_REASONS = ("30003", "30005", "30006")


@dataclass(frozen=True)
class Outreach:
    """A row a message or a held-out account, in the order of time.

    `end` is how sending ended, as a position in EMAIL_ENDS or SMS_ENDS; the times of what followed are NaT
    where it did not happen.
    """

    campaign: Ints
    account: Ints
    at: Times
    held_out: Flags
    end: Ints
    delivered_at: Times
    opened_at: Times
    opened_by_machine: Flags
    clicked_at: Times
    left_at: Times  # when the person unsubscribed because of it
    complained: Flags  # ... by way of the spam button
    message_id: Strings

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.campaign)

    @property
    def by_sms(self) -> Flags:
        """Mark the text messages."""
        return np.asarray([channel == "sms" for _, channel, _ in CAMPAIGNS])[self.campaign]


def run_campaigns(streams: Streams, people: People, accounts: Accounts, allowed: Permissions) -> Outreach:
    """Run every campaign in turn; people who leave after one are not written to by the next."""
    runs = []
    for index, (_, channel, _) in enumerate(CAMPAIGNS):
        run = _run(streams, people, accounts, allowed, index)
        left = ~np.isnat(run.left_at)
        until = allowed.email_until if channel == "email" else allowed.sms_until
        until[run.account[left]] = run.left_at[left]
        runs.append(run)
    return _joined(runs)


def lifted_purchases(streams: Streams, accounts: Accounts, outreach: Outreach, mean_spend: Floats) -> Intents:
    """Let each person who was sent a campaign buy once more with probability LIFT, within its fortnight."""
    rng = streams("lift")
    rows = np.flatnonzero(~outreach.held_out & chance(rng, len(outreach), LIFT))
    at = outreach.at[rows] + days(rng.uniform(1, WINDOW_DAYS - 1, len(rows)))
    spend = rng.choice(mean_spend, len(rows)) if len(mean_spend) else np.full(len(rows), 40.0)
    person = accounts.person[outreach.account[rows]]
    return Intents(person, at, spend, np.ones(len(rows), dtype=np.bool_))


def outreach_table(
    streams: Streams, people: People, accounts: Accounts, outreach: Outreach
) -> tuple[pa.Table, Ints]:
    """Give the campaigns as canonical outreach; and whose the rows are."""
    person = accounts.person[outreach.account]
    by_sms, held = outreach.by_sms, outreach.held_out
    ends = [_STATES.get(end, end) for end in (*EMAIL_ENDS, *SMS_ENDS)]
    state = pick(ends, outreach.end + by_sms * len(EMAIL_ENDS))
    names = [name for name, _, _ in CAMPAIGNS]
    failed_sms = by_sms & (outreach.end > 0) & ~held
    reason = pick([None, *SMS_REASONS], np.where(failed_sms, 1 + outreach.end % len(SMS_REASONS), 0))
    subject, body = _texts(people, outreach, person)
    table = canonical(
        "outreach",
        "past_outreach",
        len(outreach),
        END,
        source_record_id=join("outreach/", record_ids("po", streams.first, np.arange(len(outreach)))),
        occurred_at=outreach.at,
        message_id=blank(outreach.message_id, held),
        run_id=pick([f"{name}-{day.astype('M8[D]')}" for name, _, day in CAMPAIGNS], outreach.campaign),
        campaign=pick(names, outreach.campaign),
        external_id=of_the_shop(take(accounts.number, outreach.account)),
        email=blank(clean_emails(people, person, accounts.selves[outreach.account]), by_sms),
        phone=blank(e164(accounts.phone[outreach.account]), ~by_sms),
        channel=choose(by_sms, "sms", "email"),
        direction="outbound",
        arm=choose(held, "holdout", "sent"),
        state=choose(held, "held_out", state),
        template=pick([f"{name}_v1" for name in names], outreach.campaign),
        variant=blank(pick(("a", "b"), outreach.account % 2), held),
        subject=blank(subject, held | by_sms),
        body=blank(body, held),
        reason=blank(reason, held),
        delivered_at=outreach.delivered_at,
        read_at=outreach.opened_at,
        clicked_at=outreach.clicked_at,
    )
    return table, person


def _run(streams: Streams, people: People, accounts: Accounts, allowed: Permissions, index: int) -> Outreach:
    """Send one campaign to nine in ten of those who may be written to, but for the share held out."""
    name, channel, day = CAMPAIGNS[index]
    rng = streams(f"campaign/{name}")
    reachable = accounts.phone > 0 if channel == "sms" else np.ones(len(accounts), dtype=np.bool_)
    account = np.flatnonzero(allowed.may(channel, day - DAY) & reachable & chance(rng, len(accounts), 0.9))
    account = _one_each(accounts, account)
    count = len(account)
    ahead = hours_ahead(people.place[accounts.person[account]])
    at: Times = day - ahead * HOUR + seconds(rng.uniform(0, 2400, count))
    held = chance(rng, count, HELD_OUT)
    end = weighted(rng, count, list((EMAIL_ENDS if channel == "email" else SMS_ENDS).values()))
    arrived = (end == 0) & ~held
    delivered_at = _when(arrived, at + seconds(rng.uniform(2, 90, count)))
    human, machine = chance(rng, count, 0.34), chance(rng, count, 0.16)
    by_email = channel == "email"
    opened = arrived & (human | machine) & by_email
    reading_after = np.where(machine, rng.uniform(1, 20, count), rng.exponential(20_000, count))
    opened_at = _when(opened, delivered_at + seconds(reading_after))
    clicked = opened & human & chance(rng, count, 0.2)
    left = arrived & chance(rng, count, 0.011 if by_email else 0.02)
    return Outreach(
        campaign=np.full(count, index),
        account=account,
        at=at,
        held_out=held,
        end=end,
        delivered_at=delivered_at,
        opened_at=opened_at,
        opened_by_machine=opened & machine & ~clicked,
        clicked_at=_when(clicked, opened_at + seconds(rng.uniform(5, 400, count))),
        left_at=_when(left, at + seconds(rng.uniform(120, 40_000, count))),
        complained=left & by_email & chance(rng, count, 0.1),
        message_id=_message_ids(streams, name, channel, accounts, account),
    )


def _one_each(accounts: Accounts, account: Ints) -> Ints:
    """Keep the first of several accounts of the same person: randomising must not split anybody."""
    _, first = np.unique(accounts.person[account], return_index=True)
    return account[np.sort(first)]


def _message_ids(streams: Streams, name: str, channel: str, accounts: Accounts, account: Ints) -> Strings:
    number = accounts.person[account] + streams.first
    ids = hex_ids(f"message/{name}", streams.seed, number)
    return join("SM" if channel == "sms" else "hp-", ids)


def _texts(people: People, outreach: Outreach, person: Ints) -> tuple[Strings, Strings]:
    pairs = [read_campaign(name) for name, _, _ in CAMPAIGNS]
    languages = len(pairs[0][0])
    which = outreach.campaign * languages + people.language[person]
    values = {"given": take(people.given, person)}
    subjects = [subject for some, _ in pairs for subject in some]
    bodies = [body for _, some in pairs for body in some]
    return pick(subjects, which), fill(bodies, which, values)


def _joined(runs: list[Outreach]) -> Outreach:
    """Put the runs into one, in the order of time."""
    order = np.lexsort(
        (np.concatenate([run.account for run in runs]), np.concatenate([run.at for run in runs]))
    )
    columns = {}
    for name in Outreach.__dataclass_fields__:
        parts = [getattr(run, name) for run in runs]
        columns[name] = (
            take(pa.concat_arrays(parts), order) if name == "message_id" else np.concatenate(parts)[order]
        )
    return Outreach(**columns)


def _when(where: Flags, times: Times) -> Times:
    """Keep the marked times that lie before the end of the world."""
    return np.where(where & (times <= END), times, np.datetime64("NaT", "us"))
