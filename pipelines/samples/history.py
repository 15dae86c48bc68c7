"""What happened in a world, before it is written down as tables."""

from dataclasses import dataclass

from pipelines.samples.contacts import Accounts, Permissions
from pipelines.samples.noise import Noise
from pipelines.samples.orders import Orders
from pipelines.samples.outreach import Outreach
from pipelines.samples.people import People
from pipelines.samples.shipments import Shipments


@dataclass(frozen=True)
class History:
    """The people, what they agreed to, what was sent to them, what they bought and how it reached them."""

    noise: Noise
    people: People
    accounts: Accounts
    permissions: Permissions
    outreach: Outreach
    orders: Orders
    parcels: Shipments
