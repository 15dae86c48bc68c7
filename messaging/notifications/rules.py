"""The rule of each event: facts in, what is wrong out. Pure, and tested without a database.

A finding's sentence goes to mailboxes and other people's services: ids, counts and names of ours, nothing that a
customer wrote and no address.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from messaging.deliverability import Halt
from messaging.notifications.events import Finding
from messaging.notifications.facts import (
    DeadLetters,
    Facts,
    HeldSchedule,
    Intake,
    RedContract,
    UnknownSends,
    WaitingMessage,
)
from messaging.notifications.owners import Rules
from messaging.notifications.urgency import UrgentWords
from messaging.outbox import Tripped

UNCHECKED_AFTER = timedelta(minutes=20)  # the receiver checks every five
RULES_TOLD = 5  # broken rules of one table, by name


def find(facts: Facts, rules: Rules, words: UrgentWords, now: datetime, today: datetime) -> list[Finding]:
    """Give everything that is wrong: `now` by the installation's clock, `today` by the database's, naive UTC both."""
    return [
        *unknown_sends(facts.unknown, rules, today),
        *red_contracts(facts.red),
        *breakers_tripped(facts.breakers),
        *intakes_broken(facts.intakes, rules, now),
        *dead_letters(facts.dead),
        *campaigns_halted(facts.halted),
        *schedules_held(facts.held),
        *unanswered(facts.waiting, rules, now),
        *urgent_words(facts.waiting, words),
    ]


def unknown_sends(found: Iterable[UnknownSends], rules: Rules, today: datetime) -> Iterator[Finding]:
    """Tell of calls that broke off: once no evidence has come for a while, or at once where only a person can decide."""
    longest = rules.after("unknown_sends")
    for each in found:
        if not each.put_before and today - each.oldest_at < longest:
            continue
        where = f"of {each.campaign} ({each.run_id})" if each.run_id else "outside of campaigns"
        waits = f" A person has to decide of {each.put_before:,}." if each.put_before else ""
        sentence = f"Of {_messages(each.count)} {where} nobody knows whether they were sent.{waits}"
        yield Finding("unknown_sends", each.run_id or "single", sentence, each.count)


def red_contracts(found: Iterable[RedContract]) -> Iterator[Finding]:
    """Tell of each table whose newest verdict is red: campaigns that stand on it wait."""
    for each in found:
        named = ", ".join(each.rules[:RULES_TOLD])
        more = f" and {len(each.rules) - RULES_TOLD} more" if len(each.rules) > RULES_TOLD else ""
        broke = f" It breaks {named}{more}." if named else ""
        rows = f"{each.rows_quarantined:,} of {each.rows_checked:,} rows were set aside."
        sentence = f"{each.table} does not keep its contract, so campaigns that use it wait. {rows}{broke}"
        yield Finding("contract_red", each.table, sentence, max(each.rows_quarantined, 1))


def breakers_tripped(found: Iterable[Tripped]) -> Iterator[Finding]:
    """Tell of each sender that is not called for now: nothing goes out by it."""
    for each in found:
        why = f" {each.told}" if each.told else ""
        sentence = f"Nothing goes out by {each.sender}: its calls failed again and again.{why}"
        yield Finding("breaker_tripped", each.sender, sentence)


def intakes_broken(found: Sequence[Intake], rules: Rules, now: datetime) -> Iterator[Finding]:
    """Tell of each way in whose synthetic check fails; once of all of them where none works, or nobody checks any more."""
    checked_at = max((each.checked_at for each in found), default=now)
    failing = {each: each.failing_since for each in found if each.failing_since is not None}
    if now - checked_at > UNCHECKED_AFTER:
        sentence = (
            f"No way in has been checked since {checked_at:%Y-%m-%d %H:%M} UTC: the receiver does not run."
        )
        yield Finding("intake_broken", "receiver", sentence)
    elif len(failing) == len(found) > 1:
        since = f"{min(failing.values()):%Y-%m-%d %H:%M}"
        sentence = (
            f"None of the {len(found)} ways in works since {since} UTC: the receiver cannot be reached."
        )
        yield Finding("intake_broken", "receiver", sentence)
    else:
        longest = rules.after("intake_broken")
        for each, since_when in failing.items():
            if now - since_when >= longest:
                why = f" ({each.reason})" if each.reason else ""
                sentence = (
                    f"The check of {each.intake} has failed since {since_when:%Y-%m-%d %H:%M} UTC{why}."
                )
                yield Finding("intake_broken", each.intake, sentence)


def dead_letters(found: Iterable[DeadLetters]) -> Iterator[Finding]:
    """Tell of messages that were refused for good, by the reason: a set-up or a text of ours is wrong."""
    for each in found:
        code = f" with code {each.code}" if each.code is not None else ""
        why = f" {each.told}" if each.told else ""
        provider = each.provider or "its provider"
        sentence = f"{_messages(each.count)} by {each.channel} failed at {provider}{code} within a week.{why}"
        subject = f"{each.channel} {each.provider or '-'} {each.code if each.code is not None else '-'}"
        yield Finding("dead_letters", subject, sentence, each.count)


def campaigns_halted(found: Iterable[Halt]) -> Iterator[Finding]:
    """Tell of each campaign that was paused by itself, and why."""
    for each in found:
        yield Finding("campaign_halted", each.run_id, f"{each.campaign} ({each.run_id}): {each.sentence}")


def schedules_held(found: Iterable[HeldSchedule]) -> Iterator[Finding]:
    """Tell of each campaign that did not go when it was due, and why."""
    for each in found:
        sentence = f"{each.campaign}, due at {each.due_at:%Y-%m-%d %H:%M} UTC: {each.told}"
        yield Finding("schedule_held", each.campaign, sentence)


def unanswered(found: Iterable[WaitingMessage], rules: Rules, now: datetime) -> Iterator[Finding]:
    """Tell of customers who have waited for longer than the channel's target, a notice a channel."""
    late: dict[str, dict[str, WaitingMessage]] = defaultdict(dict)
    for each in sorted(found, key=lambda one: one.received_at):
        if each.wants_answer and now - each.received_at > rules.after("unanswered", each.channel):
            late[each.channel].setdefault(each.conversation, each)
    for channel, people in late.items():
        longest = next(iter(people.values()))
        minutes = rules.after("unanswered", channel).total_seconds() / 60
        who = "1 person waits" if len(people) == 1 else f"{len(people):,} people wait"
        sentence = (
            f"{who} for an answer by {channel} for more than {minutes:.0f} minutes; "
            f"the longest since {longest.received_at:%Y-%m-%d %H:%M} UTC ({longest.inbound_id})."
        )
        yield Finding("unanswered", channel, sentence, len(people))


def urgent_words(found: Iterable[WaitingMessage], words: UrgentWords) -> Iterator[Finding]:
    """Tell of each conversation with a message that speaks of danger, the law, fraud or haste."""
    said: dict[tuple[str, str], list[tuple[WaitingMessage, tuple[str, ...]]]] = defaultdict(list)
    for each in sorted(found, key=lambda one: one.received_at):
        if topics := words.topics_of(each.inbound_id, each.body):
            said[each.channel, each.conversation].append((each, topics))
    for (channel, conversation), messages in said.items():
        first = messages[0][0]
        spoken = "; ".join(dict.fromkeys(topic for _, topics in messages for topic in topics))
        who = first.customer_id or "somebody whom we do not know"
        number = "a message" if len(messages) == 1 else f"{len(messages)} messages"
        sentence = f"In {number} by {channel} from {who}: {spoken}. The first is {first.inbound_id}."
        yield Finding("urgent_words", f"{channel} {conversation[:16]}", sentence, len(messages))


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count:,} messages"
