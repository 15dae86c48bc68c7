"""Parcels: sent, promised, delivered, late, lost, or still under way when the world ends."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.samples.arrays import (
    DAY,
    Flags,
    Ints,
    Random,
    Streams,
    Strings,
    Times,
    chance,
    choose,
    days,
    digits,
    join,
    pick,
    seconds,
    take,
)
from pipelines.samples.orders import Orders
from pipelines.samples.people import People
from pipelines.samples.places import COUNTRIES
from pipelines.samples.tables import canonical
from pipelines.samples.times import END

LATE, LOST = 0.08, 0.006
FIRST_PARCEL, STEP = 4_300_000_000_000, 17
CARRIERS = ("Royal Post", "Northline Express", "ParcelBird")


@dataclass(frozen=True)
class Shipments:
    """A row a parcel of an order (its position). Times after the end of the world have not happened."""

    order: Ints
    number: Strings
    shipped_at: Times
    promised_at: Times
    delivered_at: Times
    late: Flags
    lost: Flags

    def __len__(self) -> int:
        """Count the parcels."""
        return len(self.order)


def send_parcels(streams: Streams, people: People, orders: Orders) -> Shipments:
    """Send every order that was neither cancelled nor carried out of a store."""
    rng = streams("shipments")
    order = np.flatnonzero(~orders.cancelled & ~orders.in_store)
    count = len(order)
    abroad = people.country[orders.person[order]] != COUNTRIES.index("GB")
    shipped_at = orders.at[order] + days(rng.uniform(0.25, 1.8, count))
    promised_on: Times = (shipped_at + days(3 + 3 * abroad)).astype("M8[D]").astype("M8[us]")
    promised_at = promised_on + seconds(np.full(count, 17 * 3600))
    late = chance(rng, count, LATE)
    delay = np.where(late, 1.2 + rng.exponential(2.6, count), -rng.uniform(0.05, 1.9, count))
    delivered_at = np.maximum(promised_at + days(delay), shipped_at + days(np.full(count, 0.4)))
    return Shipments(
        order=order,
        number=digits(FIRST_PARCEL + (streams.first * 10 + np.arange(count)) * STEP),
        shipped_at=shipped_at,
        promised_at=promised_at,
        delivered_at=delivered_at,
        late=late,
        lost=_lost(rng, late),
    )


def shipments_table(orders: Orders, parcels: Shipments) -> tuple[pa.Table, Ints]:
    """Give the parcels that exist when the world ends, with what is known by then; and whose they are."""
    sent = parcels.shipped_at <= END
    arrived = (parcels.delivered_at <= END) & ~parcels.lost
    failed = parcels.lost & (parcels.promised_at + 3 * DAY <= END)
    status = choose(arrived, "delivered", choose(failed, "failed", choose(sent, "in_transit", "created")))
    table = canonical(
        "shipments",
        "shopify",
        len(parcels),
        END,
        source_record_id=join("shipment/", parcels.number),
        occurred_at=orders.at[parcels.order],
        shipment_id=parcels.number,
        order_id=take(orders.name, parcels.order),
        email=take(orders.signed.email, parcels.order),
        phone=take(orders.signed.phone, parcels.order),
        carrier=carriers(parcels),
        tracking_number=join("HP", parcels.number, "GB"),
        status=status,
        shipped_at=_where(sent, parcels.shipped_at),
        estimated_delivery_at=parcels.promised_at,
        delivered_at=_where(arrived, parcels.delivered_at),
    )
    return table, orders.person[parcels.order]


def carriers(parcels: Shipments) -> Strings:
    """Name the carrier of each parcel."""
    number: Ints = parcels.number.cast(pa.int64()).to_numpy()
    return pick(CARRIERS, (number - FIRST_PARCEL) // STEP * 7 % len(CARRIERS))


def _lost(rng: Random, late: Flags) -> Flags:
    return late & chance(rng, len(late), LOST / LATE)


def _where(known: Flags, times: Times) -> pa.Array:
    return pa.array(times, mask=~known)
