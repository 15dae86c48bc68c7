"""What the card says of one person's parcels."""

from typing import Any

from streamlit.testing.v1 import AppTest


def _draw(days_late: list[int | None]) -> None:
    from dashboard.components import person
    from messaging.customers.views import Shipment

    parcels = [
        Shipment(
            shipment_id=str(number),
            order_id="1001",
            source="shopify",
            status="delivered",
            carrier="Post",
            tracking_number=None,
            shipped_at=None,
            estimated_delivery_at=None,
            delivered_at=None,
            days_late=days,
        )
        for number, days in enumerate(days_late)
    ]
    person.parcels(parcels, "Europe/London")


def shown(days_late: list[Any]) -> str:
    test = AppTest.from_function(_draw, kwargs={"days_late": days_late}, default_timeout=30).run()
    assert not test.exception
    return " ".join(str(element.proto.body) for element in test.get("html"))


def test_parcels_that_all_came_in_time_are_told_in_one_line() -> None:
    assert "2 delivered, all in time." in shown([0, None])


def test_a_late_parcel_is_listed_instead() -> None:
    text = shown([0, 3])
    assert "3 days late" in text
    assert "in time" not in text
