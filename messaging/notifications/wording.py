"""How a message to an owner reads: as an e-mail, as a text of a few lines, as JSON for a webhook. Pure."""

from dataclasses import dataclass
from typing import Any

from messaging.notifications.deciding import Item, Telling
from messaging.notifications.events import EVENTS

LONGEST_TEXT = 300  # characters of an SMS: two segments
MOST_LISTED = 50  # notices of one message; the others are counted
SNOOZE = "To hear no more of it for a while: rapport notifications snooze {notice_id} --hours 8"
BEGINNINGS = {"new": "", "worse": "Worse: ", "still": "Still: ", "over": "Over: "}


@dataclass(frozen=True)
class Wording:
    """One message in each of its forms; ids and counts alone."""

    subject: str
    body: str
    text: str
    document: dict[str, Any]


def word(telling: Telling, telling_id: str, company: str) -> Wording:
    """Put a message into words; `company` is who it is from."""
    listed, left = telling.items[:MOST_LISTED], len(telling.items) - MOST_LISTED
    subject = _subject(telling, company)
    more = [f"And {left} more: rapport notifications list"] if left > 0 else []
    return Wording(
        subject=subject,
        body="\n\n".join([*map(_paragraph, listed), *more]) + "\n",
        text=_short(telling, company),
        document={
            "id": telling_id,
            "text": f"{subject}\n" + "\n".join(said(item) for item in listed),  # what chat services show
            "urgent": telling.urgent,
            "notices": [_document(item) for item in listed],
            "more": max(left, 0),
        },
    )


def said(item: Item) -> str:
    """Say one notice in a line."""
    event = EVENTS[item.notice.event]
    sentence = event.over if item.kind == "over" else item.notice.sentence
    return f"{BEGINNINGS[item.kind]}{event.title}: {sentence}"


def _subject(telling: Telling, company: str) -> str:
    if len(telling.items) == 1:
        item = telling.items[0]
        told = f"{BEGINNINGS[item.kind]}{EVENTS[item.notice.event].title}"
    else:
        told = f"{len(telling.items)} notices"
    urgent = "Urgent: " if telling.urgent and any(item.kind != "over" for item in telling.items) else ""
    return " ".join(f"{company}: {urgent}{told}".split())  # a name of two lines would be no subject


def _paragraph(item: Item) -> str:
    notice, event = item.notice, EVENTS[item.notice.event]
    lines = [said(item)]
    if item.kind == "over":
        lines.append(f"It had begun at {notice.began_at:%Y-%m-%d %H:%M} UTC. {_how_often(item)}".strip())
        return "\n".join(lines)
    lines += [event.mend, f"Since {notice.began_at:%Y-%m-%d %H:%M} UTC. {_how_often(item)}".strip()]
    return "\n".join([*lines, SNOOZE.format(notice_id=notice.notice_id)])


def _how_often(item: Item) -> str:
    returns = item.notice.returns
    if not returns:
        return ""
    return "It went and came back once." if returns == 1 else f"It went and came back {returns} times."


def _short(telling: Telling, company: str) -> str:
    text = f"{company}: " + " / ".join(said(item) for item in telling.items)
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 3].rstrip()}..."


def _document(item: Item) -> dict[str, Any]:
    notice = item.notice
    return {
        "notice_id": notice.notice_id,
        "event": notice.event,
        "subject": notice.subject,
        "kind": item.kind,
        "urgent": item.urgent,
        "sentence": notice.sentence,
        "mend": EVENTS[notice.event].mend,
        "amount": notice.amount,
        "worst": notice.worst,
        "returns": notice.returns,
        "began_at": f"{notice.began_at.isoformat()}Z",
        "ended_at": f"{notice.ended_at.isoformat()}Z" if notice.ended_at else None,
    }


def word_test(telling_id: str, owner: str, company: str) -> Wording:
    """Put into words that this is a test."""
    told = f"This is a test: {owner} is told by this way when something is wrong."
    subject = " ".join(f"{company}: a test of notifications".split())
    document = {"id": telling_id, "text": f"{subject}\n{told}", "urgent": False, "notices": [], "more": 0}
    return Wording(subject, f"{told}\n", f"{company}: {told}"[:LONGEST_TEXT], document)
