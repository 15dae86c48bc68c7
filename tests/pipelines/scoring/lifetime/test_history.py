"""Customers of equal history are counted once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.scoring.lifetime.history import History, same_histories

rows = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)).map(
        lambda row: (row[0], float(min(row[1], row[2]) if row[0] else 0), float(row[2]))
    ),
    min_size=1,
    max_size=60,
)


@given(rows)
def test_counting_loses_nobody_and_says_nothing_twice(customers: list[tuple[int, float, float]]) -> None:
    x, t_x, age = (np.array(column) for column in zip(*customers, strict=True))
    history = same_histories(x, t_x, age)
    counted = dict(
        zip(zip(history.frequency, history.recency, history.age, strict=True), history.customers, strict=True)
    )
    assert counted == {row: customers.count(row) for row in set(customers)}
    assert (history.total, history.repeat_orders) == (len(customers), int(x.sum()))
    assert history.returned == int((x > 0).sum())


@pytest.mark.parametrize(
    ("history", "why"),
    [
        ((1, 5.0, 4.0, 1), "outside"),
        ((1, -1.0, 4.0, 1), "outside"),
        ((0, 2.0, 4.0, 1), "none that was repeated"),
        ((-1, 0.0, 4.0, 1), "counts below"),
        ((0, 0.0, 4.0, 0), "counts below"),
        ((0, 0.0, float("nan"), 1), "no numbers"),
    ],
)
def test_a_history_that_no_calendar_can_bring_about_is_refused(
    history: tuple[int, float, float, int], why: str
) -> None:
    x, t_x, age, count = history
    with pytest.raises(ValueError, match=why):
        History(np.array([x]), np.array([t_x]), np.array([age]), np.array([count]))


def test_nobody_at_all_is_an_empty_history() -> None:
    nobody = same_histories(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0))
    assert (len(nobody), nobody.total, nobody.returned) == (0, 0, 0)
