"""Customers, as the release published them and with what happened since; `Customers` alone reads both."""

from messaging.customers.conversations import OpenConversation
from messaging.customers.figures import RESPONSE_DAYS
from messaging.customers.golden import GoldenValue
from messaging.customers.reader import Customers
from messaging.customers.views import (
    CampaignFigures,
    ChannelConsent,
    ContractHealth,
    CustomerCard,
    CustomerFacts,
    CustomerHit,
    Identifier,
    LastBuild,
    MonthlyRevenue,
    Order,
    Overview,
    RunningCampaign,
    Shipment,
    TimelineEntry,
    WeeklyTouches,
)

__all__ = [
    "RESPONSE_DAYS",
    "CampaignFigures",
    "ChannelConsent",
    "ContractHealth",
    "CustomerCard",
    "CustomerFacts",
    "CustomerHit",
    "Customers",
    "GoldenValue",
    "Identifier",
    "LastBuild",
    "MonthlyRevenue",
    "OpenConversation",
    "Order",
    "Overview",
    "RunningCampaign",
    "Shipment",
    "TimelineEntry",
    "WeeklyTouches",
]
