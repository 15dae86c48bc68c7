"""How an owner is reached and what they read: by the first way that works, by all of them where it is urgent."""

from datetime import datetime
from typing import Any

import pytest

from messaging.notifications.deciding import Item, Kind, Notice, Telling
from messaging.notifications.owners import Owner
from messaging.notifications.ways import Ways
from messaging.notifications.webhook import Webhook
from messaging.notifications.wording import LONGEST_TEXT, word
from messaging.senders.base import Accepted, OutboundMessage, Outcome, Rejected, Unknown

NOON = datetime.fromisoformat("2026-10-30T12:00")
OWNER = Owner(email="ops@x.example", sms="+442079460018", webhook="http://localhost:1/")


def item(number: int = 0, kind: Kind = "new", *, urgent: bool = False, **fields: Any) -> Item:
    notice = Notice(
        f"ntc_{number}",
        "contract_red",
        "orders",
        "orders is red.",
        3,
        9,
        fields.pop("returns", 0),
        NOON,
        NOON,
    )
    return Item(notice, kind, urgent)


class Sender:
    """Answers as it is told."""

    provider, can_find = "test", False

    def __init__(self, outcome: Outcome | Exception) -> None:
        self.outcome = outcome
        self.sent: list[OutboundMessage] = []

    def send(self, message: OutboundMessage) -> Outcome:
        """Keep a message and answer."""
        self.sent.append(message)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    def find(self, message: OutboundMessage, since: datetime) -> list[Any]:  # noqa: ARG002
        """Find nothing."""
        return []


WORDING = word(Telling("ops", (item(),)), "tel_1", "Harbour")


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (Rejected("fix", "No."), "No."),
        (Unknown("It broke."), "It broke."),
        (ValueError("ops@x.example"), "It broke off (ValueError)."),
    ],
)
def test_where_a_way_may_not_have_worked_the_next_one_is_tried(
    outcome: Outcome | Exception, told: str
) -> None:
    mail, text = Sender(outcome), Sender(Accepted("SM1"))
    ways = Ways({"email": mail, "sms": text}, Webhook(b"", sandboxed=False), "us@x.example")
    tried = ways.tell(OWNER, WORDING, "tel_1", everywhere=False)
    assert [(each.way, each.took) for each in tried] == [("email", False), ("webhook", False), ("sms", True)]
    assert tried[0].told == told


def test_the_first_way_that_works_is_enough_unless_it_is_urgent() -> None:
    mail, text = Sender(Accepted("1")), Sender(Accepted("2"))
    ways = Ways({"email": mail, "sms": text}, Webhook(b"", sandboxed=False), "us@x.example")
    assert [each.way for each in ways.tell(OWNER, WORDING, "tel_1", everywhere=False)] == ["email"]
    assert len(ways.tell(OWNER, WORDING, "tel_1", everywhere=True)) == 3
    assert (len(mail.sent), len(text.sent)) == (2, 1)
    assert (text.sent[0].to, text.sent[0].body) == ("+442079460018", WORDING.text)


def test_the_company_is_told_at_the_address_that_its_mail_comes_from_and_a_missing_sender_is_no_crash() -> (
    None
):
    mail = Sender(Accepted("1"))
    ways = Ways(
        {"email": mail, "sms": "TWILIO_FROM_NUMBER has to be set."},
        Webhook(b"", sandboxed=True),
        "us@x.example",
    )
    tried = ways.tell(Owner(email="company", sms="+442079460018"), WORDING, "tel_1", everywhere=True)
    assert mail.sent[0].to == "us@x.example"
    assert tried[1].told == "TWILIO_FROM_NUMBER has to be set."


def test_a_mail_says_what_is_wrong_since_when_what_to_do_and_how_to_hear_no_more_of_it() -> None:
    assert WORDING.subject == "Harbour: A contract is red"
    assert WORDING.body == (
        "A contract is red: orders is red.\n"
        "See its page in the app or `rapport quarantine list`, mend the source or the contract, and build again.\n"
        "Since 2026-10-30 12:00 UTC.\n"
        "To hear no more of it for a while: rapport notifications snooze ntc_0 --hours 8\n"
    )


def test_several_notices_are_one_mail_one_short_text_and_one_document() -> None:
    items = (item(0, urgent=True), item(1, "worse"), item(2, "over", returns=2), *map(item, range(3, 60)))
    wording = word(Telling("ops", items), "tel_1", "Harbour &\nPine")
    assert wording.subject == "Harbour & Pine: Urgent: 60 notices"
    assert "Worse: A contract is red" in wording.body
    assert "Over: A contract is red: The table passes its checks again." in wording.body
    assert "It went and came back 2 times." in wording.body
    assert wording.body.endswith("And 10 more: rapport notifications list\n")
    assert len(wording.text) <= LONGEST_TEXT
    assert wording.text.endswith("...")
    assert (len(wording.document["notices"]), wording.document["more"], wording.document["urgent"]) == (
        50,
        10,
        True,
    )
    assert wording.document["notices"][0]["began_at"] == "2026-10-30T12:00:00Z"


def test_an_all_clear_of_something_urgent_does_not_shout() -> None:
    assert word(Telling("ops", (item(0, "over", urgent=True),)), "tel_1", "Harbour").subject == (
        "Harbour: Over: A contract is red"
    )
