"""Conversations written by hand, in every channel, for a company whose service is measured."""

from datetime import datetime, timedelta
from typing import Any

LOVELY = "I love the bowl, it is wonderful and makes me happy every day."
TERRIBLE = "This is terrible. I hate it, the worst shop ever."


class Landed:
    """Rows on their way to the landing tables; each record gets the next number of its kind."""

    def __init__(self) -> None:
        self.tables: dict[str, list[dict[str, Any]]] = {}

    def add(self, table: str, record: str, source: str, at: str, **facts: Any) -> str:
        """Land a row, and give its record's name."""
        rows = self.tables.setdefault(table, [])
        name = f"{record}/{len(rows) + 1}"
        rows.append({"source": source, "source_record_id": name, "occurred_at": at, **facts})
        return name

    def person(self, email: str, phone: str) -> None:
        """Let a shop know that an address and a number are one person's."""
        self.add("contacts", "contact", "shopify", "2026-01-01", email=email, phone=phone)

    def mail(self, at: str, way: str, email: str, thread: str, kind: str = "letter", **more: Any) -> None:
        """Land a mail; the subject says which thread it is of."""
        number = len(self.tables.get("email_messages", ())) + 1
        sender = email if way == "inbound" else "hello@shop.example"
        facts = {"message_id": f"m{number}", "direction": way, "email": email, "from_email": sender}
        first = next(
            (r["message_id"] for r in self.tables.get("email_messages", ()) if r.get("subject") == thread),
            f"m{number}",
        )
        facts |= {"thread_id": first, "kind": kind, "subject": thread, **more}
        self.add("email_messages", "message", "mail", at, **facts)

    def text(self, at: str, way: str, phone: str, body: str, **more: Any) -> None:
        """Land an SMS."""
        number = len(self.tables.get("sms_messages", ())) + 1
        facts = {"message_id": f"SM{number}", "channel": "sms", "direction": way, "phone": phone}
        facts |= {"status": "received" if way == "inbound" else "delivered", "body": body, **more}
        self.add("sms_messages", "message", "twilio", at, **facts)

    def chat(self, at: str, talk: str, author: str, email: str, **more: Any) -> None:
        """Land what was said in a chat."""
        number = len(self.tables.get("chat_messages", ())) + 1
        facts = {"conversation_id": talk, "message_id": str(number), "author_kind": author, "email": email}
        self.add("chat_messages", "message", "chat", at, **{"body": "So it is.", **facts, **more})

    def review(self, at: str, stars: float, scale: int, email: str) -> None:
        """Land a review of the mug."""
        facts = {"review_id": f"{at}{email}", "rating": stars, "rating_scale": scale, "email": email}
        self.add("reviews", "review", "shopify", at, product_name="Mug", **facts)


def landed() -> dict[str, list[dict[str, Any]]]:
    rows = Landed()
    written(rows)
    called(rows)
    sent(rows)
    judged(rows)
    slackened(rows)
    return rows.tables


def written(rows: Landed) -> None:
    """Let people write, and wait for answers."""
    rows.person("mover@example.com", "+447700900101")
    rows.text("2026-10-12 10:00", "inbound", "+447700900101", "Where is my order?")
    rows.text("2026-10-12 10:00:03", "outbound", "+447700900101", "Thanks, we will get back to you.")
    rows.text("2026-10-12 10:05", "inbound", "+447700900101", " Help ")
    rows.mail("2026-10-12 12:00", "inbound", "mover@example.com", "Parcel", body_text="Nobody answers.")
    rows.mail("2026-10-12 16:00", "outbound", "mover@example.com", "Parcel", body_text="It comes tomorrow.")
    rows.mail("2026-10-12 16:30", "inbound", "mover@example.com", "Parcel", body_text="Great, thank you Mia!")

    resolved = {"conversation_status": "resolved", "topic": "late_parcel"}
    rows.chat("2026-10-13 09:00:00", "c1", "customer", "chatter@example.com", **resolved)
    rows.chat("2026-10-13 09:00:01", "c1", "bot", "chatter@example.com", **resolved)
    rows.chat("2026-10-13 09:10:00", "c1", "agent", "chatter@example.com", is_private=True, **resolved)
    rows.chat("2026-10-13 09:30:00", "c1", "agent", "chatter@example.com", author_name="Mia", **resolved)
    rows.chat("2026-10-13 09:31:00", "c1", "customer", "chatter@example.com", body="yes please", **resolved)

    rows.mail("2026-10-28 12:00", "inbound", "waiter@example.com", "Cracked", body_text="It is cracked")
    rows.mail("2026-10-28 12:00:02", "outbound", "waiter@example.com", "Cracked", "auto_reply")

    rows.mail("2026-10-14 09:00", "inbound", "two@example.com", "Invoice", body_text="An invoice please")
    rows.mail("2026-10-14 09:10", "inbound", "two@example.com", "Colour", body_text="Is it blue?")
    rows.mail("2026-10-14 09:20", "outbound", "two@example.com", "Colour", body_text="It is.")
    rows.mail("2026-10-14 15:00", "outbound", "two@example.com", "Invoice", body_text="Here it is.")

    rows.mail("2026-09-01 08:00", "inbound", "late@example.com", "Slow", body_text="When?")
    rows.mail("2026-09-20 08:00", "outbound", "late@example.com", "Slow", body_text="Now.")


def called(rows: Landed) -> None:
    """Let people call, and open tickets."""
    call = {"direction": "inbound", "phone": "+447700900102"}
    rows.add("calls", "call", "pbx", "2026-10-15 10:00", call_id="1", status="no_answer", **call)
    back = {"direction": "outbound", "phone": "+447700900102", "duration_seconds": 60, "agent_name": "Ben"}
    rows.add("calls", "call", "pbx", "2026-10-15 10:20", call_id="2", status="completed", **back)
    taken = {"queue_seconds": 45, "duration_seconds": 90, "agent_name": "Ben", **call}
    rows.add("calls", "call", "pbx", "2026-10-20 10:00", call_id="3", status="completed", **taken)

    ticket = {"email": "ticket@example.com", "channel": "web", "assignee": "Zoe", "tags": "shop,complaint"}
    rows.add(
        "tickets", "ticket", "zendesk", "2026-08-02 08:00", ticket_id="7", status="solved", kind="question",
        first_response_at="2026-08-02 09:00", solved_at="2026-10-03 08:00", **ticket,
    )  # fmt: skip
    rows.add(
        "tickets", "ticket", "zendesk", "2026-10-29 08:00", ticket_id="8", status="open", kind="complaint",
        order_id="#9", **ticket,
    )  # fmt: skip


def sent(rows: Landed) -> None:
    """Let machines write, and campaigns be answered."""
    rows.text("2026-10-16 10:00", "inbound", "+447700900103", "STOP")

    for number in range(104, 107):
        text = f"Good news Ann{number}, order #{number} is on its way."
        rows.text("2026-10-17 11:00", "outbound", f"+447700900{number}", text)
    rows.text("2026-10-17 10:00", "inbound", "+447700900104", "where is my order")
    rows.text("2026-10-17 18:00", "outbound", "+447700900104", "At the depot, sorry.")

    told = {"campaign": "autumn", "channel": "sms", "phone": "+447700900107", "direction": "outbound"}
    rows.add("outreach", "outreach", "earlier", "2026-10-18 09:00", arm="sent", state="delivered", **told)
    reply = told | {"direction": "inbound", "body": "Have you a red one", "message_id": "SMred"}
    rows.add("outreach", "outreach", "rapport", "2026-10-18 10:00", arm="reply", state="received", **reply)
    rows.text("2026-10-18 10:00", "inbound", "+447700900107", "Have you a red one", message_id="SMred")
    person = told | {"campaign": None, "body": "We have.", "message_id": "SMhave"}
    rows.add("outreach", "outreach", "rapport", "2026-10-18 10:30", arm="sent", state="delivered", **person)


def judged(rows: Landed) -> None:
    """Let people answer surveys, rate and review."""

    def answer(at: str, kind: str, score: float, scale: int, email: str, **more: Any) -> None:
        facts = {"kind": kind, "score": score, "score_scale": scale, "email": email, "response_id": at}
        rows.add("survey_responses", "response", "delighted", at, **facts, **more)

    answer("2026-10-01", "nps", 10, 10, "advocate@example.com")
    answer("2026-09-01", "nps", 9, 10, "detractor@example.com")
    rows.review("2026-10-02", 2, 5, "detractor@example.com")
    line = {"order_id": "#1", "line_kind": "sale", "quantity": 1, "unit_price_minor": 900, "currency": "GBP"}
    line |= {"net_amount_minor": 900, "product_name": "mug", "email": "detractor@example.com"}
    rows.add("purchases", "line", "shopify", "2026-08-01", **line)
    answer("2026-09-01", "csat", 1, 5, "recovered@example.com")
    answer("2026-10-03", "csat", 5, 5, "recovered@example.com")
    answer("2026-10-04", "csat", 1, 1, "content@example.com")
    answer("2026-10-05", "nps", 12, 10, "odd@example.com")
    answer("2026-10-06", "ces", 4, 7, "mixed@example.com")
    rows.review("2026-10-06", 10, 10, "mixed@example.com")
    rows.review("2026-10-07", 1, 5, "torn@example.com")
    answer("2026-10-07", "nps", 10, 10, "torn@example.com")
    rows.tables["tickets"][0]["satisfaction"] = "bad"
    rows.tables["tickets"][1]["satisfaction"] = "good"
    rows.add(
        "survey_responses", "response", "zendesk", "2026-10-04", response_id="z", kind="csat", score=0,
        score_scale=1, ticket_id="7", email="ticket@example.com",
    )  # fmt: skip


def slackened(rows: Landed) -> None:
    """Let eight weeks be answered in ten minutes and two of six in the next; and one day bring six bad reviews."""
    for number in range(54):
        day = datetime(2026, 6, 1, 9, 0) + timedelta(weeks=number // 6, days=number % 6)
        facts = {"phone": f"+4477009002{number:02}", "channel": "whatsapp"}
        rows.text(str(day), "inbound", body=f"Have you got number {number}?", **facts)
        late = timedelta(days=2 if number >= 50 else 0, minutes=10)
        rows.text(str(day + late), "outbound", body=f"We have {number}.", **facts)
    rows.review("2026-06-02", 1, 5, "first@example.com")
    for number in range(6):
        rows.review("2026-07-20", 1, 5, f"bad{number}@example.com")
    for number, body in enumerate([LOVELY, LOVELY, LOVELY, TERRIBLE, TERRIBLE, TERRIBLE]):
        status = {"conversation_status": "resolved"}
        rows.chat(
            f"2026-10-2{number} 09:00", f"mood{number}", "customer", "mood@example.com", body=body, **status
        )
