"""What people write back: each message is stored once, linked to what it answers, and an opt-out is obeyed."""

from messaging.inbox.receiving import (
    KEYWORDS,
    FindCustomers,
    Inbound,
    InboundReceipt,
    Keyword,
    keyword_of,
    receive,
)

__all__ = ["KEYWORDS", "FindCustomers", "Inbound", "InboundReceipt", "Keyword", "keyword_of", "receive"]
