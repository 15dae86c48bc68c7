"""One parameter of many texts, on either database."""

from typing import Any

import pytest
from sqlalchemy import select

from messaging.store import Store
from messaging.store.among import among
from messaging.store.tables import messages


@pytest.mark.parametrize("odd", ["it's", 'a "b"', "a,b", "{}", "\\", "é漢😀", ""])
def test_texts_are_found_whatever_is_in_them_and_no_other(store: Store, outbox_of: Any, odd: str) -> None:
    outbox_of.put(customer_id=odd, consent=False)
    outbox_of.put(3, first=1, consent=False)
    found = select(messages.c.customer_id).where(among(messages.c.customer_id, "some"))
    with store.read() as connection:
        for some, expected in (([odd], [odd]), ([], []), (["cus_2", odd, "cus_9"], sorted(["cus_2", odd]))):
            assert sorted(connection.execute(found, {"some": some}).scalars()) == expected


def test_thousands_of_texts_are_one_parameter(store: Store, outbox_of: Any) -> None:
    outbox_of.put(2, consent=False)
    found = select(messages.c.customer_id).where(among(messages.c.customer_id, "some"))
    with store.read() as connection:
        some = [f"cus_{number}" for number in range(100_000)]
        assert sorted(connection.execute(found, {"some": some}).scalars()) == ["cus_0", "cus_1"]


@pytest.mark.sqlite
def test_the_index_of_the_column_is_used(store: Store) -> None:
    found = select(messages.c.message_id).where(among(messages.c.address_hash, "some"))
    with store.read() as connection:
        sql = str(found.compile(connection.engine)).replace(":some", "?")
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", ('["h"]',)).all()
    assert "USING INDEX ix_messages_address_hash_created_at" in plan[0][3]
