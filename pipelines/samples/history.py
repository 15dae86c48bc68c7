"""What happened in a world, before it is written down as tables."""

from dataclasses import dataclass

import numpy as np

from pipelines.samples.arrays import Flags, Ints
from pipelines.samples.contacts import Accounts, Permissions
from pipelines.samples.disappointments import Drawn, Leaving
from pipelines.samples.habits import Habits
from pipelines.samples.noise import Noise
from pipelines.samples.orders import Orders
from pipelines.samples.outreach import Outreach
from pipelines.samples.people import People
from pipelines.samples.service import Cases
from pipelines.samples.shipments import Shipments


@dataclass(frozen=True)
class History:
    """The people, what they agreed to, what was sent to them, what they bought and how it reached them.

    Beside it: what they asked of the desk, who left because of it, and how people like to talk.

    `drawn` has also the orders that people would have made after they left: what follows from orders is drawn with
    them and left out afterwards, so that who leaves does not change what chance gives everybody else.
    """

    noise: Noise
    people: People
    accounts: Accounts
    permissions: Permissions
    outreach: Outreach
    orders: Orders
    parcels: Shipments
    cases: Cases
    leaving: Leaving
    habits: Habits
    drawn: Drawn

    def happened(self, order: Ints) -> Flags:
        """Mark, of things that follow from the drawn orders (-1: from none), those that did happen."""
        return (order < 0) | (~self.drawn.lost)[np.maximum(order, 0)] if len(self.drawn.lost) else order < 0
