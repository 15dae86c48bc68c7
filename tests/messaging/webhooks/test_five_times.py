"""Every callback five times, shuffled and side by side: one row each, and the highest rank wins."""

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import select

from messaging.outbox import RANK
from messaging.outbox.states import PROVIDER_WORDS
from messaging.store import Store
from messaging.store.tables import inbound_messages, messages, provider_events

WAYS = [
    ("queued", "sending", "sent", "delivered"),
    ("sent", "undelivered"),
    ("queued", "failed"),
    ("sent", "delivered", "read"),
    ("initiated", "ringing", "in-progress", "completed"),
    ("initiated", "ringing", "no-answer"),
]


def test_every_callback_five_times_and_shuffled_is_one_row_and_the_highest_rank_wins(
    post: Any, sent: Any, form: Any, inbound_form: Any, store: Store
) -> None:
    requests, expected, events = [], {}, set()
    for number, way in enumerate(WAYS * 3):
        sid = f"SM{number}"
        phone = f"+4477009001{number:02}"
        message_id = sent(f"cus_{number}", provider_sid=sid, address=phone, address_hash=f"hash{number}")
        expected[message_id] = max(RANK[PROVIDER_WORDS[word]] for word in way)
        events |= {(sid, word) for word in way}
        requests += [(f"/webhooks/twilio/status?message={message_id}", form(word, sid=sid)) for word in way]
        requests.append(("/webhooks/twilio/inbound", inbound_form("Hello", sid=f"IN{number}", From=phone)))
    told = requests * 5
    random.Random(5).shuffle(told)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda one: post.signed(*one).status_code, told))
    assert set(answers) <= {200, 204}
    with store.read() as connection:
        kept = connection.execute(select(provider_events.c.provider_sid, provider_events.c.status)).all()
        heard = connection.execute(select(inbound_messages.c.provider_sid)).scalars().all()
        ends = connection.execute(select(messages.c.message_id, messages.c.provider_status)).all()
    assert sorted(map(tuple, kept)) == sorted(events)
    assert len(heard) == len(set(heard)) == len(WAYS) * 3
    assert {row.message_id: RANK[row.provider_status] for row in ends} == expected
