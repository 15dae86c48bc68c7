"""Conversations of many people who write at random, against the rules told again in plain Python."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Company

AS_OF = datetime(2026, 10, 30, 12)
GAP, WAITING, THREAD = timedelta(hours=24), timedelta(days=30), timedelta(days=30)
PAUSES = [
    timedelta(minutes=7),
    timedelta(hours=5),
    timedelta(hours=30),
    timedelta(days=9),
    timedelta(days=41),
]
PEOPLE = 80


@dataclass(frozen=True)
class Turn:
    """One message: by mail in a thread, or by SMS without one."""

    at: datetime
    asks: bool
    thread: str | None

    def can_answer(self, question: "Turn") -> bool:
        """Tell whether it answers a question: not one of another mail thread."""
        return not self.asks and (None in {self.thread, question.thread} or self.thread == question.thread)


def play(random: Random, person: int) -> list[Turn]:
    """Let a person and the company write to and fro."""
    at = datetime(2026, 1, 1) + timedelta(minutes=person)
    turns = []
    for _ in range(random.randint(1, 20)):
        at += random.choice(PAUSES) + timedelta(seconds=random.randrange(60))
        thread = random.choice([None, f"p{person}a", f"p{person}b"])
        turns.append(Turn(at, random.random() < 0.5, thread))
    return [turn for turn in turns if turn.at < AS_OF]


def reaches(turns: list[Turn], place: int) -> datetime:
    """Say until when a turn keeps its conversation open."""
    turn, later = turns[place], turns[place + 1 :]
    until = turn.at + GAP
    if turn.asks:
        answered = next((other.at for other in later if not other.asks), AS_OF + WAITING)
        until = max(until, min(turn.at + WAITING, answered))
    following = next((other.at for other in later if turn.thread and other.thread == turn.thread), None)
    if following and (turn.asks or following <= turn.at + THREAD):
        until = max(until, following)
    return until


def divide(turns: list[Turn]) -> list[list[Turn]]:
    """Divide a person's turns into conversations; where only the company spoke there is none."""
    conversations: list[list[Turn]] = []
    open_until = datetime(1970, 1, 1)
    for place, turn in enumerate(turns):
        if turn.at > open_until:
            conversations.append([])
        conversations[-1].append(turn)
        open_until = max(open_until, reaches(turns, place))
    return [talk for talk in conversations if any(turn.asks for turn in talk)]


def describe(talk: list[Turn]) -> dict[str, Any]:
    """Say of a conversation what the published table says."""
    waits = []
    for place, question in enumerate(talk):
        if question.asks:
            answer = next((turn.at for turn in talk[place + 1 :] if turn.can_answer(question)), None)
            waits.append((question.at, answer))
    first, answered = waits[0]
    since = min((asked for asked, answer in waits if answer is None), default=None)
    longest = max((answer or AS_OF) - asked for asked, answer in waits)
    return {
        "started_at": talk[0].at,
        "last_at": talk[-1].at,
        "inbound_count": sum(turn.asks for turn in talk),
        "outbound_count": sum(not turn.asks for turn in talk),
        "first_response_seconds": int((answered - first).total_seconds()) if answered else None,
        "longest_wait_seconds": int(longest.total_seconds()),
        "waiting_since": since,
        "is_open": since is not None,
    }


@pytest.fixture(scope="module")
def played() -> dict[str, list[Turn]]:
    random = Random(20261122)
    return {f"+4479112{person:05}": play(random, person) for person in range(PEOPLE)}


@pytest.fixture(scope="module")
def company(found_company: Callable[[str], "Company"], played: dict[str, list[Turn]]) -> "Company":
    contacts, mails, texts = [], [], []
    for phone, turns in played.items():
        email = f"p{phone[1:]}@example.com"
        known = {
            "source": "shopify",
            "source_record_id": f"contact/{phone}",
            "occurred_at": datetime(2026, 1, 1),
        }
        contacts.append({**known, "email": email, "phone": phone})
        for number, turn in enumerate(turns):
            name = f"{phone[1:]}-{number}"
            facts = {"source_record_id": f"message/{name}", "occurred_at": turn.at, "message_id": name}
            facts["direction"] = "inbound" if turn.asks else "outbound"
            if turn.thread:
                facts |= {"thread_id": turn.thread, "kind": "letter", "body_text": f"Words {number}"}
                mails.append({"source": "mail", "email": email, "from_email": email, **facts})
            else:
                facts |= {"channel": "sms", "status": "received", "body": f"Words {number}"}
                texts.append({"source": "twilio", "phone": phone, **facts})
    company = found_company("talks")
    company.land({"contacts": contacts, "email_messages": mails, "sms_messages": texts})
    company.build(str(AS_OF), mass_text_people=10_000)
    return company


def test_conversations_of_people_who_write_at_random_are_what_the_rules_say(
    company: "Company", played: dict[str, list[Turn]]
) -> None:
    found = company.rows(
        "SELECT talks.*, value FROM marts.conversations AS talks"
        " JOIN marts.customer_identifiers AS held USING (customer_id)"
        " WHERE identifier_type = 'phone' ORDER BY value, started_at"
    )
    expected = [
        {"value": phone, **describe(talk)} for phone, turns in played.items() for talk in divide(turns)
    ]
    assert len(expected) > PEOPLE
    columns = list(expected[0])
    assert [{name: row[name] for name in columns} for row in found] == expected


def test_a_mail_thread_that_does_not_rest_stands_in_one_conversation(company: "Company") -> None:
    torn = company.rows(
        "WITH turns AS (SELECT thread, conversation_id, occurred_at - lag(occurred_at) OVER talk AS rest,"
        " lag(conversation_id) OVER talk AS before"
        " FROM intermediate.int_conversations__placed WHERE thread IS NOT NULL"
        " WINDOW talk AS (PARTITION BY thread ORDER BY occurred_at))"
        " SELECT * FROM turns WHERE before <> conversation_id AND rest <= INTERVAL 30 DAY"
    )
    assert torn == []
