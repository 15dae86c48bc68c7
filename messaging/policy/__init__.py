"""May we? One pure gate for every channel and campaign: facts in, Allowed or Blocked with a reason out."""

from messaging.policy.facts import BudgetStanding, FrequencyCap, SendFacts, Sent
from messaging.policy.gate import decide, examine
from messaging.policy.limits import LIMITS_FILE, Limits, read_limits, shipped_limits
from messaging.policy.prices import Prices
from messaging.policy.verdicts import HELD_OUT, WAITING, Allowed, Blocked, MessageClass, Reason

__all__ = [
    "HELD_OUT",
    "LIMITS_FILE",
    "WAITING",
    "Allowed",
    "Blocked",
    "BudgetStanding",
    "FrequencyCap",
    "Limits",
    "MessageClass",
    "Prices",
    "Reason",
    "SendFacts",
    "Sent",
    "decide",
    "examine",
    "read_limits",
    "shipped_limits",
]
