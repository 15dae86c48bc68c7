"""What the lifetime models know of customers: how often they came back, when last, and for how long we watched."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class History:
    """Customers of equal history, counted: a sufficient statistic of BG/NBD. One element a distinct history.

    `frequency` is the number of days with an order after the first such day (x in the papers), `recency` the weeks
    from the first to the last of them (t_x, 0 where there is one), `age` the weeks from the first to the end of
    what we have seen (T), `customers` how many customers have that history.
    """

    frequency: Ints
    recency: Floats
    age: Floats
    customers: Ints

    def __post_init__(self) -> None:
        """Refuse what no calendar can bring about; a caller that reads dates clamps them first."""
        if not np.isfinite(self.age).all() or not np.isfinite(self.recency).all():
            raise ValueError("A history has times that are no numbers.")
        if (self.frequency < 0).any() or (self.customers < 1).any():
            raise ValueError("A history has counts below what a customer can have.")
        if (self.recency < 0).any() or (self.recency > self.age).any():
            raise ValueError("A history's last order lies outside of what was seen.")
        if (self.recency[self.frequency == 0] > 0).any():
            raise ValueError("A history has a last order after the first, yet none that was repeated.")

    def __len__(self) -> int:
        """Count the distinct histories."""
        return len(self.frequency)

    @property
    def total(self) -> int:
        """Count the customers."""
        return int(self.customers.sum())

    @property
    def returned(self) -> int:
        """Count the customers who ordered again."""
        return int(self.customers[self.frequency > 0].sum())

    @property
    def repeat_orders(self) -> int:
        """Count the days with an order, the first of each customer left out."""
        return int((self.customers * self.frequency).sum())


def same_histories(frequency: Ints, recency: Floats, age: Floats) -> History:
    """Count equal histories of single customers."""
    order = np.lexsort((age, recency, frequency))
    x, last, seen = frequency[order], recency[order], age[order]
    differs = (x[1:] != x[:-1]) | (last[1:] != last[:-1]) | (seen[1:] != seen[:-1])
    starts = np.flatnonzero(np.concatenate([[True], differs])[: len(order)])
    counts = np.diff(starts, append=len(order))
    return History(x[starts].astype(np.int64), last[starts], seen[starts], counts.astype(np.int64))
