"""The sample company: Harbour & Pine, a shop for house and garden, with everything its systems would know.

`make_world` draws one from a seed, at any size. A world is canonical tables, as the readers of the company's
files would land them, and the truth behind them: who the people are, whose each record is, and what was
planted. It covers 18 months and ends at the demo clock's noon, 2026-10-30 12:00 UTC.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.samples.arrays import Flags, Ints, Streams, Strings
from pipelines.samples.buying import BuyingModel
from pipelines.samples.calls import calls_table
from pipelines.samples.cast import add_cast
from pipelines.samples.chats import chat_messages_table
from pipelines.samples.checkins import check_in, checkin_mails
from pipelines.samples.contacts import (
    Accounts,
    ask_permission,
    consents_table,
    contacts_table,
    open_accounts,
)
from pipelines.samples.disappointments import disappoint, leave, lose, without_the_lost
from pipelines.samples.email_events import email_events_table
from pipelines.samples.feedback import judge_kindly, reviews_table, surveys_table
from pipelines.samples.habits import form_habits
from pipelines.samples.history import History
from pipelines.samples.mails import email_messages_table
from pipelines.samples.noise import Noise
from pipelines.samples.orders import plan_purchases, take_orders
from pipelines.samples.outreach import Outreach, lifted_purchases, outreach_table, run_campaigns
from pipelines.samples.people import People, make_people
from pipelines.samples.purchases import products_table, purchases_table
from pipelines.samples.service import open_cases
from pipelines.samples.shipments import send_parcels, shipments_table
from pipelines.samples.tables import Owned, joined
from pipelines.samples.texts import sms_messages_table
from pipelines.samples.tickets import ticket_tables
from pipelines.samples.voices import forms_table, mentions_table, visits_table


@dataclass(frozen=True)
class World:
    """Canonical tables by name, the person each of their rows belongs to, and what they were made from.

    `owners[table]` is a position in `people` for every row of `tables[table]`; products belong to nobody.
    `moods[table]` says of every text a customer wrote whether it is positive, neutral or negative;
    `cast` says who plays which role.
    """

    seed: int
    first: int
    model: BuyingModel
    history: History
    tables: dict[str, pa.Table]
    owners: dict[str, Ints]
    moods: dict[str, Strings]
    cast: dict[str, int]

    @property
    def rows(self) -> dict[str, int]:
        """Count the rows of each table."""
        return {name: table.num_rows for name, table in self.tables.items()}


def make_world(
    people: int, seed: int, *, first: int = 0, noise: Noise | None = None, model: BuyingModel | None = None
) -> World:
    """Make a world of so many people; the same seed makes the same world.

    `first` is the number of the first person, for worlds that are made in chunks.
    """
    streams, model = Streams(seed, first), model or BuyingModel()
    history = _live(streams, make_people(streams, people, noise or Noise()), noise or Noise(), model)
    owned, cast = add_cast(history, _write_down(streams, history))
    tables = {name: one.table for name, one in owned.items()} | {"products": products_table()}
    owners = {name: one.person for name, one in owned.items()}
    moods = {name: one.mood for name, one in owned.items() if one.mood is not None}
    return World(seed, first, model, history, tables, owners, moods, cast)


def make_chunks(people: int, seed: int, chunk: int = 50_000) -> Iterator[World]:
    """Make a big world in pieces of `chunk` people, so that memory stays flat.

    Ids and addresses are unique over all pieces; households, kiosks and recycled phones stay within one.
    """
    for first in range(0, people, chunk):
        yield make_world(min(chunk, people - first), seed, first=first)


def _live(streams: Streams, people: People, noise: Noise, model: BuyingModel) -> History:
    """Let everything happen, in the order in which one thing leads to another."""
    accounts = open_accounts(streams, people)
    allowed = ask_permission(streams, accounts)
    outreach = run_campaigns(streams, people, accounts, allowed)
    planned = plan_purchases(streams, people, model)
    lifted = lifted_purchases(streams, accounts, outreach, planned.spend)
    orders = take_orders(streams, people, [planned, lifted], noise)
    parcels = send_parcels(streams, people, orders)
    cases = open_cases(streams, people, orders, parcels)
    leaving = leave(streams, len(people), disappoint(orders, parcels, cases))
    drawn = lose(leaving, orders, parcels)
    orders, parcels, cases = without_the_lost(drawn, cases)
    habits = form_habits(streams, people, accounts)
    return History(noise, people, accounts, allowed, outreach, orders, parcels, cases, leaving, habits, drawn)


def _write_down(streams: Streams, history: History) -> dict[str, Owned]:
    """Write what happened into canonical tables; with each, whose its rows are."""
    people, accounts = history.people, history.accounts
    temper = judge_kindly(streams, len(people))
    chats = chat_messages_table(streams, history)
    checkins = check_in(streams, people, history.habits)
    desk = ticket_tables(streams, history, temper)
    stopped = _stopped(accounts, history.outreach)
    return {
        "contacts": Owned(contacts_table(streams, people, accounts, history.noise), accounts.person),
        "consents": Owned(*consents_table(streams, people, accounts, history.permissions, stopped)),
        "purchases": Owned(*purchases_table(people, history.orders)),
        "shipments": Owned(*shipments_table(history.orders, history.parcels)),
        "email_messages": joined(
            email_messages_table(streams, history), checkin_mails(streams, history, checkins)
        ),
        "email_events": email_events_table(streams, history),
        "sms_messages": sms_messages_table(streams, history, checkins),
        "chat_messages": joined(chats, desk["chat_messages"]),
        "outreach": Owned(*outreach_table(streams, people, accounts, history.outreach)),
        "tickets": desk["tickets"],
        "survey_responses": joined(desk["survey_responses"], surveys_table(streams, history, temper)),
        "reviews": reviews_table(streams, history, temper),
        "calls": calls_table(streams, history, checkins),
        "form_submissions": forms_table(streams, history),
        "social_messages": mentions_table(streams, history, chats),
        "events": visits_table(streams, history),
    }


def _stopped(accounts: Accounts, outreach: Outreach) -> Flags:
    """Mark the accounts that texted STOP: only the provider of text messages knows."""
    marks = np.zeros(len(accounts), dtype=np.bool_)
    marks[outreach.account[outreach.by_sms & ~np.isnat(outreach.left_at)]] = True
    return marks
