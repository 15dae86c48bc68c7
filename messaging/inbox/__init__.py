"""What people write back: each message is stored once, linked to what it answers, and an opt-out is obeyed."""

from messaging.inbox.keywords import Keyword, keyword_of
from messaging.inbox.messages import Company, FindCustomers, Heard, Inbound, InboundReceipt
from messaging.inbox.receiving import (
    hear,
    read_rules,
    receive,
    record,
)
from messaging.inbox.reviews import Review, confirm, lift, list_reviews
from messaging.inbox.written import new_words

__all__ = [
    "Company",
    "FindCustomers",
    "Heard",
    "Inbound",
    "InboundReceipt",
    "Keyword",
    "Review",
    "confirm",
    "hear",
    "keyword_of",
    "lift",
    "list_reviews",
    "new_words",
    "read_rules",
    "receive",
    "record",
]
