"""Each event's rule, without a database: when it speaks, and that it never repeats what somebody wrote."""

from datetime import datetime, timedelta

import pytest

from data_contracts.yaml_files import read_yaml_file
from messaging.deliverability import Halt
from messaging.notifications.events import Finding
from messaging.notifications.facts import (
    DeadLetters,
    Facts,
    Intake,
    RedContract,
    UnknownSends,
    WaitingMessage,
)
from messaging.notifications.owners import SHIPPED, Rules
from messaging.notifications.rules import find
from messaging.notifications.urgency import WORDS_FILE, UrgentWords, _File, read_urgent_words
from messaging.outbox import Tripped

NOON = datetime.fromisoformat("2026-10-30T12:00")
RULES = read_yaml_file(SHIPPED).checked(Rules)
SECRET = "anna@x.example +447911123456"


def found(facts: Facts, rules: Rules = RULES) -> list[Finding]:
    return find(facts, rules, read_urgent_words(), NOON, NOON)


def ago(minutes: float) -> datetime:
    return NOON - timedelta(minutes=minutes)


def waiting(minutes: float, body: str = "hello", **fields: object) -> WaitingMessage:
    plain = {
        "inbound_id": f"inb_{minutes}",
        "channel": "sms",
        "conversation": "c" * 64,
        "customer_id": "cus_1",
    }
    return WaitingMessage(**(plain | {"received_at": ago(minutes), "body": body} | fields))  # type: ignore[arg-type]


def test_unknown_sends_are_told_once_evidence_has_had_its_time() -> None:
    young = UnknownSends("run_1", "win_back", 3, 0, ago(29))
    assert found(Facts(unknown=(young,))) == []
    [finding] = found(Facts(unknown=(UnknownSends("run_1", "win_back", 1200, 0, ago(30)),)))
    assert (finding.key, finding.amount) == ("unknown_sends/run_1", 1200)
    assert finding.sentence.startswith("Of 1,200 messages of win_back (run_1) nobody knows")


def test_unknown_sends_that_only_a_person_can_decide_are_told_at_once() -> None:
    [finding] = found(Facts(unknown=(UnknownSends(None, None, 2, 1, ago(1)),)))
    assert finding.subject == "single"
    assert "A person has to decide of 1." in finding.sentence


def test_a_red_contract_names_its_table_its_rows_and_the_first_rules_that_it_breaks() -> None:
    [finding] = found(Facts(red=(RedContract("orders", 1000, 7, tuple("abcdefg")),)))
    assert finding.key == "contract_red/orders"
    assert "7 of 1,000 rows were set aside. It breaks a, b, c, d, e and 2 more." in finding.sentence


def test_a_tripped_breaker_and_a_broken_way_in_are_told_with_the_reason() -> None:
    breaker = Tripped("sms", ago(-3), 5, "The provider could not be reached.")
    intake = Intake("contact", ago(1), ago(4), "timeout")
    first, second = found(Facts(breakers=(breaker,), intakes=(intake, Intake("events", NOON))))
    assert first.key == "breaker_tripped/sms"
    assert first.sentence == (
        "Nothing goes out by sms: its calls failed again and again. The provider could not be reached."
    )
    assert second.sentence == "The check of contact has failed since 2026-10-30 11:56 UTC (timeout)."


def test_a_way_in_that_fails_alone_is_given_three_minutes_and_all_at_once_are_one_notice() -> None:
    young, other = Intake("contact", ago(1), ago(2), "timeout"), Intake("events", ago(1), ago(3), "http_502")
    assert found(Facts(intakes=(young, Intake("events", ago(1))))) == []
    [finding] = found(Facts(intakes=(young, other)))
    assert finding.key == "intake_broken/receiver"
    assert finding.sentence.startswith("None of the 2 ways in works since 2026-10-30 11:57 UTC")


def test_ways_in_that_nobody_checks_any_more_are_one_notice_for_the_receiver() -> None:
    stale = (Intake("contact", ago(21), ago(30), "timeout"), Intake("events", ago(22)))
    [finding] = found(Facts(intakes=stale))
    assert finding.key == "intake_broken/receiver"
    assert finding.sentence.startswith("No way in has been checked since 2026-10-30 11:39 UTC")
    assert found(Facts(intakes=(*stale[1:], Intake("twilio/status", ago(20))))) == []


def test_a_campaign_that_was_paused_by_itself_is_told_with_the_reason() -> None:
    [finding] = found(
        Facts(halted=(Halt("run_1", "win_back", NOON, "30 of 1,000 e-mails were reported as spam."),))
    )
    assert finding.key == "campaign_halted/run_1"
    assert finding.sentence == "win_back (run_1): 30 of 1,000 e-mails were reported as spam."


def test_dead_letters_are_one_notice_a_reason() -> None:
    one = DeadLetters("sms", "twilio", 21606, 4, "The number cannot send.")
    other = DeadLetters("email", "smtp", None, 1, None)
    first, second = found(Facts(dead=(one, other)))
    assert first.subject == "sms twilio 21606"
    assert (
        first.sentence
        == "4 messages by sms failed at twilio with code 21606 within a week. The number cannot send."
    )
    assert second.sentence == "1 message by email failed at smtp within a week."


@pytest.mark.parametrize(("channel", "target"), [("chat", 15), ("sms", 60), ("email", 480), ("viber", 480)])
def test_an_answer_is_late_past_the_target_of_its_channel(channel: str, target: int) -> None:
    assert found(Facts(waiting=(waiting(target, channel=channel),))) == []
    [finding] = found(Facts(waiting=(waiting(target + 1, channel=channel),)))
    assert finding.key == f"unanswered/{channel}"
    assert f"1 person waits for an answer by {channel} for more than {target} minutes" in finding.sentence


def test_people_who_wait_are_counted_once_however_often_they_wrote_and_the_longest_is_named() -> None:
    several = [waiting(90), waiting(70), waiting(80, conversation="d"), waiting(99, wants_answer=False)]
    [finding] = found(Facts(waiting=tuple(several)))
    assert finding.amount == 2
    assert finding.sentence.endswith("the longest since 2026-10-30 10:30 UTC (inb_90).")


def test_urgent_words_are_one_notice_a_conversation_also_where_the_message_was_an_opt_out() -> None:
    said = (
        waiting(2, f"Stop texting me or my LAWYER calls you, {SECRET}", wants_answer=False),
        waiting(1, "My child was injured by your lamp!"),
        waiting(1.5, "I was charged twice", conversation="d" * 64, customer_id=None),
        waiting(1.6, "Where is my parcel?", conversation="e" * 64),
    )
    first, second = found(Facts(waiting=said))
    assert (first.subject, first.amount) == (f"sms {'c' * 16}", 2)
    assert first.sentence == (
        "In 2 messages by sms from cus_1: they speak of a lawyer, a court or an authority; "
        "somebody may be hurt or in danger. The first is inb_2."
    )
    assert "from somebody whom we do not know: they speak of fraud" in second.sentence


def test_nothing_that_somebody_wrote_gets_into_a_finding() -> None:
    body = f"URGENT lawyer fraud injured {SECRET} Fuchsschwanz"
    told = " ".join(
        f"{each.subject} {each.sentence}" for each in found(Facts(waiting=(waiting(9999, body),)))
    )
    assert "urgent" in told
    assert not any(word in told for word in ("anna", "7911", "Fuchsschwanz", "URGENT"))


@pytest.mark.parametrize(
    "body",
    [
        "Mein Rechtsanwalt meldet sich.", "Je vais porter plainte !", "Fui ao hospital ontem", "Ho già scritto all'avvocato",
        "Het is DRINGEND.", "To jest oszustwo", "Me han cobrado dos veces", "I didn\u2019t order this", "the lamp CAUGHT FIRE",
    ],
)  # fmt: skip
def test_what_is_urgent_is_seen_in_eight_languages(body: str) -> None:
    assert read_urgent_words().topics(body)


@pytest.mark.parametrize(
    "body",
    [
        "God bless you, what a sad but lovely film", "Volevo un cioccolato al tartufo", "that fire sale was great",
        "the court shoes are perfect", "I avocado toast you", "Wann kommt mein Paket?", "",
        "Thanks!\n> my lawyer says hello\n> urgent",
    ],
)  # fmt: skip
def test_what_only_looks_urgent_or_is_quoted_is_left_alone(body: str) -> None:
    assert read_urgent_words().topics(body) == ()


def test_a_stored_message_is_read_once_however_often_it_is_looked_at() -> None:
    words = UrgentWords(read_yaml_file(WORDS_FILE).checked(_File))
    assert words.topics_of("inb_a", "My lawyer writes") == words.topics("My lawyer writes")
    assert words.topics_of("inb_a", "never read") == words.topics("My lawyer writes")
    assert words.topics_of("inb_b", "hello") == ()
