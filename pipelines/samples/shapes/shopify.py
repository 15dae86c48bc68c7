"""The shop's exports: orders, products and customers as CSV, fulfilments as its Admin API has them."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.samples.arrays import Flags, Ints, Strings, blank, choose, digits, join, pick, take
from pipelines.samples.broken import BIRTH_DATE, BROKEN, CREATED_AT
from pipelines.samples.catalogue import read_catalogue
from pipelines.samples.places import PLACES
from pipelines.samples.shapes.written import (
    WrittenFile,
    in_london,
    pounds,
    stamp,
    with_broken,
    write_csv,
    write_lines,
)
from pipelines.samples.times import END
from pipelines.samples.world import World

LISTED_AT = "Listed at (product.metafields.custom.listed_at)"
LANGUAGE = "Language (customer.metafields.custom.language)"
TIME_ZONE = "Time zone (customer.metafields.custom.time_zone)"
FIRST_ORDER_ID = 5_600_000_000_000
FREE_DELIVERY, DELIVERY = 6000, 395  # pence


def write_orders(world: World, out: Path) -> WrittenFile:
    """Write the orders export: a row a line item; what concerns the whole order is on its first row only."""
    orders = world.history.orders
    owner = orders.line_owner
    first: Flags = orders.line_ordinal == 0
    sales = world.tables["purchases"].slice(0, len(owner))
    whole = {name: blank(take(values, owner), ~first) for name, values in _order_fields(world).items()}
    address = {
        "Name": _full_name(sales["given_name"], sales["family_name"]),
        "Street": sales["street"],
        "Address1": sales["street"],
        "City": sales["city"],
        "Zip": _apostrophe(sales["postcode"]),
        "Country": sales["country"],
        "Phone": _apostrophe(sales["phone"]),
    }
    for kind in ("Billing", "Shipping"):
        whole |= {f"{kind} {name}": blank(_flat(values), ~first) for name, values in address.items()}
    columns = whole | {
        "Name": take(orders.name, owner),
        "Email": _flat(sales["email"]),
        "Created at": take(in_london(orders.at), owner),
        "Currency": whole["Currency"],
        "Lineitem quantity": digits(orders.quantity),
        "Lineitem name": pick(read_catalogue().names, orders.product),
        "Lineitem price": pounds(orders.price),
        "Lineitem sku": pick(read_catalogue().handles, orders.product),
        "Lineitem requires shipping": _always("true", owner),
        "Lineitem taxable": _always("true", owner),
        "Lineitem fulfillment status": take(choose(orders.cancelled, "pending", "fulfilled"), owner),
        "Lineitem discount": _always("0.00", owner),
        "Vendor": _always("Harbour & Pine", owner),
        "Phone": blank(_apostrophe(sales["phone"]), ~first),
    }
    columns["Created at"] = blank(columns["Created at"], ~first)
    grown, rows = _with_broken_orders(columns, len(owner), first)
    write_csv(out / "shopify_orders.csv", grown, rows)
    return WrittenFile(
        out / "shopify_orders.csv", "purchases", "shopify_orders", rows, len(BROKEN["shopify_orders.csv"]),
        "orders export of the shop, a row a line item",
    )  # fmt: skip


def write_products(out: Path) -> WrittenFile:
    """Write the products export."""
    catalogue = read_catalogue()
    rows = len(catalogue.handles)
    constant = {
        "Vendor": "Harbour & Pine",
        "Published": "true",
        "Option1 Name": "Title",
        "Option1 Value": "Default Title",
        "Variant Inventory Tracker": "shopify",
        "Variant Inventory Policy": "deny",
        "Variant Fulfillment Service": "manual",
        "Variant Requires Shipping": "true",
        "Variant Taxable": "true",
        "Gift Card": "false",
        "Status": "active",
        LISTED_AT: "2025-04-28 01:00:00 +0100",
    }
    columns = {name: _always(value, np.arange(rows)) for name, value in constant.items()} | {
        "Handle": pa.array(catalogue.handles),
        "Title": pa.array(catalogue.names),
        "Product Category": pa.array([f"Home & Garden > {category}" for category in catalogue.categories]),
        "Type": pa.array(catalogue.categories),
        "Variant SKU": pa.array(catalogue.handles),
        "Variant Price": pounds(catalogue.prices),
    }
    grown, total = with_broken(columns, rows, "shopify_products.csv")
    write_csv(out / "shopify_products.csv", grown, total)
    return WrittenFile(
        out / "shopify_products.csv",
        "products",
        "shopify_products",
        total,
        total - rows,
        "products export of the shop",
    )


def write_customers(world: World, out: Path) -> WrittenFile:
    """Write the customers export, in its newer layout, with four metafields."""
    contacts, accounts = world.tables["contacts"], world.history.accounts
    rows = contacts.num_rows
    birth = pc.strftime(contacts["birth_date"], format="%Y-%m-%d")
    columns = {
        "Customer ID": join("'", _flat(contacts["external_id"])),
        "First Name": contacts["given_name"],
        "Last Name": contacts["family_name"],
        "Email": contacts["email"],
        "Accepts Email Marketing": _accepts(world, "email"),
        "Default Address Address1": contacts["street"],
        "Default Address City": contacts["city"],
        "Default Address Province Code": _province(world, accounts.person),
        "Default Address Country Code": contacts["country"],
        "Default Address Zip": _apostrophe(contacts["postcode"]),
        "Phone": _apostrophe(contacts["phone"]),
        "Accepts SMS Marketing": _accepts(world, "sms"),
        "Tax Exempt": _always("no", accounts.person),
        CREATED_AT: in_london(accounts.at),
        BIRTH_DATE: birth,
        LANGUAGE: contacts["language"],
        TIME_ZONE: contacts["time_zone"],
    }
    grown, total = with_broken(columns, rows, "shopify_customers.csv")
    write_csv(out / "shopify_customers.csv", grown, total)
    return WrittenFile(
        out / "shopify_customers.csv", "contacts", "shopify_customers", total, total - rows,
        "customers export of the shop: accounts, addresses, languages and zones",
    )  # fmt: skip


def write_fulfilments(world: World, out: Path) -> WrittenFile:
    """Write the fulfilments as the Admin API lists them, with their tracking events."""
    good = _fulfilments(world)
    bad = [good[-1] | fault for _, fault in BROKEN["shopify_fulfilments.json"]]
    write_lines(out / "shopify_fulfilments.json", '{"fulfillments": [', good + bad, "]}")
    return WrittenFile(
        out / "shopify_fulfilments.json", "shipments", "shopify_fulfilments", len(good) + len(bad), len(bad),
        "fulfilments of the shop's Admin API: parcels, promises and deliveries",
    )  # fmt: skip


def _order_fields(world: World) -> dict[str, Strings]:
    """Give what concerns whole orders, a row an order."""
    orders = world.history.orders
    count = len(orders)
    everywhere = np.arange(count)
    delivery = np.where((orders.total >= FREE_DELIVERY) | orders.in_store, 0, DELIVERY)
    refund = np.where(orders.cancelled, orders.total + delivery, orders.refund)
    full = (refund >= orders.total) & (refund > 0)
    paid = choose(refund > 0, choose(full, "refunded", "partially_refunded"), "paid")
    shipped, gone = _fulfilled(world)
    created = in_london(orders.at)
    return {
        "Financial Status": paid,
        "Paid at": created,
        "Fulfillment Status": choose(gone, "fulfilled", "unfulfilled"),
        "Fulfilled at": blank(shipped, ~gone),
        "Accepts Marketing": _always("no", everywhere),
        "Currency": _always("GBP", everywhere),
        "Subtotal": pounds(orders.total),
        "Shipping": pounds(delivery),
        "Taxes": pounds(orders.total // 6),
        "Total": pounds(orders.total + delivery),
        "Discount Amount": _always("0.00", everywhere),
        "Shipping Method": choose(orders.in_store, "In store", "Standard"),
        "Cancelled at": blank(in_london(orders.ended_at), ~orders.cancelled),
        "Payment Method": choose(orders.in_store, "shopify_pos", "shopify_payments"),
        "Refunded Amount": pounds(refund),
        "Outstanding Balance": _always("0.00", everywhere),
        "Location": blank(_always("Harbour Street", everywhere), ~orders.in_store),
        "Device ID": orders.device,
        "Id": digits(FIRST_ORDER_ID + (world.first * 10 + everywhere) * 1024),
        "Risk Level": _always("Low", everywhere),
        "Source": choose(orders.in_store, "pos", "web"),
        "Tax 1 Name": _always("VAT 20%", everywhere),
        "Tax 1 Value": pounds(orders.total // 6),
    }


def _fulfilled(world: World) -> tuple[Strings, Flags]:
    """Give when each order left, and mark those that did."""
    times = np.full(len(world.history.orders), np.datetime64("NaT", "us"))
    times[world.history.parcels.order] = world.history.parcels.shipped_at
    times[world.history.orders.in_store] = world.history.orders.at[world.history.orders.in_store]
    return in_london(times), ~np.isnat(times) & (times <= END)


def _with_broken_orders(columns: dict[str, Any], rows: int, first: Flags) -> tuple[dict[str, Any], int]:
    """Put orders of one line with a fault behind the others; their model is the last first row."""
    at = int(np.flatnonzero(first)[-1])
    model = {name: column.slice(at, 1) for name, column in columns.items()}
    grown, total = with_broken(model, 1, "shopify_orders.csv")
    return {
        name: pa.concat_arrays([columns[name], grown[name].slice(1)]) for name in columns
    }, rows + total - 1


def _fulfilments(world: World) -> list[dict[str, Any]]:
    table = world.tables["shipments"]
    orders, parcels = world.history.orders, world.history.parcels
    utc = "%Y-%m-%dT%H:%M:%S+00:00"
    columns = {
        "id": table["shipment_id"].to_pylist(),
        "order": table["order_id"].to_pylist(),
        "order_number": (FIRST_ORDER_ID + (world.first * 10 + parcels.order) * 1024).tolist(),
        "email": table["email"].to_pylist(),
        "phone": table["phone"].to_pylist(),
        "name": _full_name(
            take(orders.signed.given, parcels.order), take(orders.signed.family, parcels.order)
        ).to_pylist(),
        "carrier": table["carrier"].to_pylist(),
        "tracking": table["tracking_number"].to_pylist(),
        "status": table["status"].to_pylist(),
        "created": stamp(table["occurred_at"].combine_chunks(), utc).to_pylist(),
        "shipped": stamp(table["shipped_at"].combine_chunks(), utc).to_pylist(),
        "promised": stamp(table["estimated_delivery_at"].combine_chunks(), utc).to_pylist(),
        "delivered": stamp(table["delivered_at"].combine_chunks(), utc).to_pylist(),
    }
    return [_fulfilment(dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)]


def _fulfilment(row: dict[str, Any]) -> dict[str, Any]:
    # An id is a number in this API, and "success" only says that the goods were handed over.
    steps = [("confirmed", row["created"]), ("in_transit", row["shipped"]), ("delivered", row["delivered"])]
    if row["status"] == "failed":
        steps.append(("failure", row["promised"]))
    return {
        "id": int(row["id"]),
        "order_id": row["order_number"],
        "order_name": row["order"],
        "name": f"{row['order']}.1",
        "service": "manual",
        "status": "pending" if row["status"] == "created" else "success",
        "shipment_status": {"created": "confirmed", "failed": "failure"}.get(row["status"], row["status"]),
        "created_at": row["created"],
        "updated_at": row["delivered"] or row["shipped"] or row["created"],
        "email": row["email"],
        "destination": {"name": row["name"], "phone": row["phone"]},
        "tracking_company": row["carrier"],
        "tracking_number": row["tracking"],
        "tracking_numbers": [row["tracking"]],
        "in_transit_at": row["shipped"],
        "estimated_delivery_at": row["promised"],
        "delivered_at": row["delivered"],
        "events": [
            {"status": status, "happened_at": at, "estimated_delivery_at": row["promised"]}
            for status, at in steps
            if at
        ],
    }


def _accepts(world: World, channel: str) -> Strings:
    return choose(world.history.permissions.may(channel, END), "yes", "no")


def _province(world: World, person: Ints) -> Strings:
    provinces = [place.province or None for place in PLACES]
    return blank(pick(provinces, world.history.people.place[person]), world.history.accounts.bare)


def _full_name(given: pa.Array, family: pa.Array) -> Strings:
    return pc.binary_join_element_wise(_flat(given), _flat(family), " ")


def _apostrophe(values: pa.Array) -> Strings:
    """Put the apostrophe in front that keeps spreadsheets from eating zeros and plus signs."""
    flat = _flat(values)
    return join("'", flat)


def _flat(values: pa.Array) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _always(word: str, rows: Ints) -> Strings:
    return pa.repeat(pa.scalar(word), len(rows))
