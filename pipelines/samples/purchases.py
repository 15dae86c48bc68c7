"""The canonical purchases and products of a world."""

import numpy as np
import pyarrow as pa

from pipelines.samples.arrays import Ints, Strings, blank, choose, digits, join, pick, take
from pipelines.samples.catalogue import read_catalogue
from pipelines.samples.orders import Orders
from pipelines.samples.people import People
from pipelines.samples.signatures import countries_of
from pipelines.samples.tables import canonical
from pipelines.samples.times import END, START

CURRENCY = "GBP"


def products_table() -> pa.Table:
    """Give the catalogue as canonical products, all listed when the world begins."""
    catalogue = read_catalogue()
    return canonical(
        "products",
        "shopify",
        len(catalogue.handles),
        END,
        source_record_id=pa.array([f"product/{handle}" for handle in catalogue.handles]),
        occurred_at=START,
        product_id=pa.array(catalogue.handles),
        name=pa.array(catalogue.names),
        category=pa.array(catalogue.categories),
        price_minor=catalogue.prices,
        currency=CURRENCY,
    )


def purchases_table(people: People, orders: Orders) -> tuple[pa.Table, Ints]:
    """Give a row an order line, and one more for each refund and cancellation; and whose row it is."""
    sales = _sales(people, orders)
    undone = np.flatnonzero(orders.cancelled | (orders.refund > 0))
    person = orders.person[np.r_[orders.line_owner, undone]]
    return pa.concat_tables([sales, _undone(people, orders, undone)]), person


def _order_columns(people: People, orders: Orders, rows: Ints) -> dict[str, Strings]:
    """Give the columns that all lines of an order share; without a name there is no address either."""
    named = orders.signed.given.is_null().to_numpy(zero_copy_only=False)
    person = orders.person

    def shown(values: Strings) -> Strings:
        return take(blank(values, named), rows)

    return {
        "order_id": take(orders.name, rows),
        "email": take(orders.signed.email, rows),
        "phone": take(orders.signed.phone, rows),
        "device_id": take(orders.device, rows),
        "given_name": take(orders.signed.given, rows),
        "family_name": take(orders.signed.family, rows),
        "street": shown(take(people.street, person)),
        "city": shown(take(people.city, person)),
        "postcode": shown(take(people.postcode, person)),
        "country": shown(countries_of(people, person)),
    }


def _sales(people: People, orders: Orders) -> pa.Table:
    catalogue = read_catalogue()
    owner = orders.line_owner
    return canonical(
        "purchases",
        "shopify",
        len(owner),
        END,
        source_record_id=join("line/", take(orders.name, owner), "/", digits(orders.line_ordinal + 1)),
        occurred_at=orders.at[owner],
        line_kind="sale",
        product_id=pick(catalogue.handles, orders.product),
        product_name=pick(catalogue.names, orders.product),
        product_category=pick(catalogue.categories, orders.product),
        quantity=orders.quantity,
        unit_price_minor=orders.price,
        net_amount_minor=orders.quantity * orders.price,
        currency=CURRENCY,
        **_order_columns(people, orders, owner),
    )


def _undone(people: People, orders: Orders, rows: Ints) -> pa.Table:
    cancelled = orders.cancelled[rows]
    amount = np.where(cancelled, orders.total[rows], orders.refund[rows])
    kind = choose(cancelled, "cancellation", "refund")
    return canonical(
        "purchases",
        "shopify",
        len(rows),
        END,
        source_record_id=join("line/", take(orders.name, rows), "/", kind),
        occurred_at=orders.ended_at[rows],
        line_kind=kind,
        quantity=np.full(len(rows), -1),
        unit_price_minor=amount,
        net_amount_minor=-amount,
        currency=CURRENCY,
        **_order_columns(people, orders, rows),
    )
