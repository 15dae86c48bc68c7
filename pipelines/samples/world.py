"""The sample company: Harbour & Pine, a shop for house and garden, with everything its systems would know.

`make_world` draws one from a seed, at any size. A world is canonical tables, as the readers of the company's files
would land them, and the truth behind them: who the people are, whose each record is, and what was planted. It covers
18 months and ends at the demo clock's noon, 2026-10-30 12:00 UTC.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.samples.arrays import Flags, Ints, Streams
from pipelines.samples.buying import BuyingModel
from pipelines.samples.chats import chat_messages_table
from pipelines.samples.contacts import (
    Accounts,
    Permissions,
    ask_permission,
    consents_table,
    contacts_table,
    open_accounts,
)
from pipelines.samples.email_events import email_events_table
from pipelines.samples.mails import email_messages_table
from pipelines.samples.noise import Noise
from pipelines.samples.orders import Orders, plan_purchases, take_orders
from pipelines.samples.outreach import Outreach, lifted_purchases, outreach_table, run_campaigns
from pipelines.samples.people import People, make_people
from pipelines.samples.purchases import products_table, purchases_table
from pipelines.samples.shipments import Shipments, send_parcels, shipments_table
from pipelines.samples.texts import sms_messages_table


@dataclass(frozen=True)
class World:
    """Canonical tables by name, the person each of their rows belongs to, and what they were made from.

    `owners[table]` is a position in `people` for every row of `tables[table]`; products belong to nobody.
    """

    seed: int
    first: int
    noise: Noise
    model: BuyingModel
    people: People
    accounts: Accounts
    permissions: Permissions
    orders: Orders
    parcels: Shipments
    outreach: Outreach
    tables: dict[str, pa.Table]
    owners: dict[str, Ints]

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
    noise, model = noise or Noise(), model or BuyingModel()
    streams = Streams(seed, first)
    folk = make_people(streams, people, noise)
    accounts = open_accounts(streams, folk, noise)
    allowed = ask_permission(streams, accounts)
    outreach = run_campaigns(streams, folk, accounts, allowed)
    planned = plan_purchases(streams, folk, model)
    lifted = lifted_purchases(streams, accounts, outreach, planned.spend)
    orders = take_orders(streams, folk, [planned, lifted], noise)
    parcels = send_parcels(streams, folk, orders)
    owned = {
        "contacts": (contacts_table(streams, folk, accounts, noise), accounts.person),
        "consents": consents_table(folk, accounts, allowed, _stopped(accounts, outreach), first),
        "purchases": purchases_table(folk, orders),
        "shipments": shipments_table(orders, parcels),
        "email_messages": email_messages_table(streams, folk, orders, noise),
        "email_events": email_events_table(streams, folk, accounts, orders, parcels, outreach),
        "sms_messages": sms_messages_table(streams, folk, orders, parcels, accounts, outreach),
        "chat_messages": chat_messages_table(streams, folk, orders, parcels, noise),
        "outreach": outreach_table(streams, folk, accounts, outreach),
    }
    tables = {name: table for name, (table, _) in owned.items()} | {"products": products_table()}
    owners = {name: person for name, (_, person) in owned.items()}
    return World(
        seed, first, noise, model, folk, accounts, allowed, orders, parcels, outreach, tables, owners
    )


def make_chunks(people: int, seed: int, chunk: int = 50_000) -> Iterator[World]:
    """Make a big world in pieces of `chunk` people, so that memory stays flat.

    Ids and addresses are unique over all pieces; households, kiosks and recycled phones stay within one.
    """
    for first in range(0, people, chunk):
        yield make_world(min(chunk, people - first), seed, first=first)


def _stopped(accounts: Accounts, outreach: Outreach) -> Flags:
    """Mark the accounts that texted STOP: only the provider of text messages knows."""
    marks: Any = np.zeros(len(accounts), dtype=np.bool_)
    marks[outreach.account[outreach.by_sms & ~np.isnat(outreach.left_at)]] = True
    return marks
