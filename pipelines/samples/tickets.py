"""The desk's cases as tickets, with what was written in them and how the customers rated them."""

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.samples.arrays import (
    DAY,
    Flags,
    Floats,
    Ints,
    Streams,
    Strings,
    Times,
    blank,
    chance,
    choose,
    digits,
    join,
    marked,
    ordinals,
    pick,
    seconds,
    take,
)
from pipelines.samples.conversations import Episodes, Stage
from pipelines.samples.history import History
from pipelines.samples.phones import e164
from pipelines.samples.service import GIVEN_UP_AFTER, PROMISE, TOPICS, VIAS, Cases
from pipelines.samples.signatures import clean_emails
from pipelines.samples.tables import Owned, canonical
from pipelines.samples.times import END, HOUR
from pipelines.samples.wording import AGENTS, read_scripts

KINDS = ("problem", "problem", "incident", "question")  # of each topic
TAGS = ('["complaint", "parcel"]', '["complaint", "damage"]', '["billing"]', '["question"]')
GROUP = "360001"  # the desk
FIRST_TICKET, FIRST_COMMENT, FIRST_RATING = 300_001, 70_000_000_001, 81_000_001
FIRST_USER, FIRST_AGENT = 9_000_000_000, 8_000_001
GIVES_PHONE, NUDGES, NOTES = 0.3, 0.6, 0.12
RATES, COMMENTS = 0.42, 0.6
CLOSED_AFTER = 28 * DAY
STATUSES = ("new", "open", "pending", "solved", "closed")
OF_COMMENTS = {
    "new": "open",
    "open": "open",
    "pending": "pending",
    "solved": "resolved",
    "closed": "resolved",
}
NEVER = np.datetime64("NaT", "us")


class Spoken(NamedTuple):
    """A row a comment, case by case in the order of time."""

    case: Ints
    at: Times
    speaker: Strings
    text: Strings
    mood: Strings


class Desk(NamedTuple):
    """The cases, their subjects, all that was said in them, and how each was rated (1, 0, or -1: not at all)."""

    cases: Cases
    subject: Strings
    spoken: Spoken
    rated: Ints
    rated_at: Times
    comment: Strings
    comment_mood: Strings


def ticket_tables(streams: Streams, history: History, temper: Floats) -> dict[str, Owned]:
    """Give the tickets, their comments (which are chat messages) and their ratings (which are surveys)."""
    desk = _work(streams, history, temper)
    person = desk.cases.person
    users = _requesters(streams, history, desk.cases)
    number = digits(FIRST_TICKET + streams.first * 10 + np.arange(len(person)))
    status = _status(desk)
    opening = _openings(desk)
    tickets = canonical(
        "tickets",
        "zendesk",
        len(person),
        END,
        source_record_id=join("ticket/", number),
        occurred_at=desk.cases.at,
        ticket_id=number,
        subject=desk.subject,
        description=take(desk.spoken.text, opening),
        status=pick(STATUSES, status),
        **users,
        **_handling(desk),
    )
    return {
        "tickets": Owned(tickets, person, take(desk.spoken.mood, opening)),
        "chat_messages": _comments(streams, desk, users, number, status),
        "survey_responses": _ratings(streams, desk, users, number),
    }


def _work(streams: Streams, history: History, temper: Floats) -> Desk:
    """Play every case, and let some customers rate how it went."""
    rng, cases = streams("tickets"), history.cases
    stage = Stage(rng, history.people, history.orders)
    subject, spoken = _play(stage, cases)
    count = len(cases)
    done = cases.solved_at <= END
    rated_at = cases.solved_at + seconds(rng.uniform(3600, 150_000, count))
    given_up = cases.solved_at - cases.at == GIVEN_UP_AFTER
    liking = 1.2 + 0.7 * temper[cases.person] - 2.2 * cases.slow - 2.5 * given_up + rng.normal(0, 0.7, count)
    rates = done & (rated_at <= END) & chance(rng, count, RATES)
    rated = np.where(rates, (liking > 0).astype(np.int64), -1)
    says = rates & chance(rng, count, COMMENTS)
    comment, mood = _rating_words(stage, cases, rated)
    return Desk(cases, subject, spoken, rated, rated_at, blank(comment, ~says), blank(mood, ~says))


def _play(stage: Stage, cases: Cases) -> tuple[Strings, Spoken]:
    """Let customers and agents write; give the subjects and the comments."""
    rng = stage.rng
    parts = []
    for topic, name in enumerate(TOPICS):
        rows = np.flatnonzero(cases.topic == topic)
        turns = stage.play(cases.some(rows).episodes, read_scripts("ticket", name), 0)
        parts.append((rows[turns.episode], turns.position, turns.speaker, turns.text, turns.mood))
    case, position = (np.concatenate([part[at] for part in parts]) for at in (0, 1))
    speaker, text, mood = (pa.concat_arrays([part[at] for part in parts]) for at in (2, 3, 4))
    headed = np.flatnonzero(position == 0)
    subject = take(text, headed[np.argsort(case[headed], kind="stable")])
    written = np.flatnonzero(position > 0)
    case, position = case[written], position[written]
    follow = seconds(rng.uniform(1800, 30_000, len(cases)))
    answered = cases.answered_at[case] + np.maximum(position - 2, 0) * follow[case]
    at = np.where(position == 1, cases.at[case], answered)
    said = [(case, at, *(take(column, written) for column in (speaker, text, mood)))]
    wait = (cases.answered_at - cases.at) / np.timedelta64(1, "s")
    said.append(_besides(stage, cases, "nudge", cases.slow & chance(rng, len(cases), NUDGES), wait))
    said.append(_besides(stage, cases, "note", chance(rng, len(cases), NOTES), wait))
    return subject, _in_order(said)


Said = tuple[Ints, Times, Strings, Strings, Strings]


def _besides(stage: Stage, cases: Cases, topic: str, where: Flags, wait: Floats) -> Said:
    """Let the marked customers ask again (or the team take a note) before the first answer."""
    rows = np.flatnonzero(where)
    at = cases.at[rows] + seconds(stage.rng.uniform(0.3, 0.85, len(rows)) * wait[rows])
    soon = at <= END
    rows, at = rows[soon], at[soon]
    nothing = np.zeros(len(rows), np.int64)
    turns = stage.play(
        Episodes(cases.person[rows], at, nothing - 1, nothing), read_scripts("ticket", topic), 0
    )
    speaker = turns.speaker if topic == "note" else pa.repeat(pa.scalar("customer"), len(rows))
    return rows, at, speaker, turns.text, turns.mood


def _in_order(said: list[Said]) -> Spoken:
    """Put comments case by case into the order of time; those after the end of the world are not written yet."""
    case, at = (np.concatenate([part[column] for part in said]) for column in (0, 1))
    order = np.lexsort((at, case))
    order = order[at[order] <= END]
    speaker, text, mood = (
        take(pa.concat_arrays([part[column] for part in said]), order) for column in (2, 3, 4)
    )
    return Spoken(case[order], at[order], speaker, text, mood)


def _rating_words(stage: Stage, cases: Cases, rated: Ints) -> tuple[Strings, Strings]:
    good, bad = (stage.word(cases.episodes, read_scripts("survey", topic)) for topic in ("good", "bad"))
    return choose(rated == 1, good[0], bad[0]), choose(rated == 1, good[1], bad[1])


def _requesters(streams: Streams, history: History, cases: Cases) -> dict[str, Strings]:
    """Give who each ticket says its customer is: the desk knows people by their first address, and some by phone."""
    rng, people, person = streams("requesters"), history.people, cases.person
    gives = history.habits.own_phone[person] & chance(rng, len(cases), GIVES_PHONE)
    return {
        "external_id": digits(FIRST_USER + people.number[person]),
        "email": clean_emails(people, person, person * 0),
        "phone": blank(e164(people.phones[person]), ~gives),
        "given_name": take(people.given, person),
        "family_name": take(people.family, person),
    }


def _openings(desk: Desk) -> Ints:
    """Give the first comment of each case, which is the ticket's description."""
    return np.flatnonzero(np.r_[True, desk.spoken.case[1:] != desk.spoken.case[:-1]])[: len(desk.cases)]


def _status(desk: Desk) -> Ints:
    """Say how each case stands when the world ends, as a position in STATUSES."""
    cases, spoken = desk.cases, desk.spoken
    theirs = np.flatnonzero(~marked(pc.equal(spoken.speaker, "note")))
    last = np.zeros(len(cases), dtype=np.int64)
    last[spoken.case[theirs]] = theirs  # rows come in the order of time: the last one stays
    waits_for_us = marked(pc.equal(take(spoken.speaker, last), "customer"))
    solved = cases.solved_at <= END
    unsolved = np.where(waits_for_us, 1, 2)
    unsolved = np.where((cases.answered_at > END) & (cases.at > END - 12 * HOUR), 0, unsolved)
    return np.where(solved, np.where(cases.solved_at < END - CLOSED_AFTER, 4, 3), unsolved)


def _handling(desk: Desk) -> dict[str, Any]:
    """Give how each case was dealt with."""
    cases = desk.cases
    answered, solved = cases.answered_at <= END, cases.solved_at <= END
    last = cases.at.copy()
    np.maximum.at(last, desk.spoken.case, desk.spoken.at)
    last = np.where(solved, np.maximum(last, cases.solved_at), last)
    last = np.where(desk.rated >= 0, np.maximum(last, desk.rated_at), last)
    left = PROMISE - (np.where(answered, cases.answered_at, END) - cases.at)
    words = pick(("bad", "good"), np.maximum(desk.rated, 0))
    return {
        "priority": pick(("high", "high", "normal", "low"), cases.topic),
        "kind": pick(KINDS, cases.topic),
        "channel": pick(VIAS, cases.via),
        "assignee": digits(FIRST_AGENT + (ordinals(cases.topic) * 7) % len(AGENTS)),
        "group_name": GROUP,
        "tags": pick(TAGS, cases.topic),
        "updated_at": last,
        "first_response_at": np.where(answered, cases.answered_at, NEVER),
        "solved_at": np.where(solved, cases.solved_at, NEVER),
        "due_at": cases.at + PROMISE,
        "sla_breached": left < np.timedelta64(0, "us"),
        "satisfaction": choose(desk.rated >= 0, words, blank(pick(("offered",), cases.topic * 0), ~solved)),
        "satisfaction_comment": desk.comment,
    }


def _comments(
    streams: Streams, desk: Desk, users: dict[str, Strings], number: Strings, status: Ints
) -> Owned:
    spoken = desk.spoken
    case, count = spoken.case, len(spoken.case)
    name = digits(FIRST_COMMENT + streams.first * 10 + np.arange(count))
    by_customer = marked(pc.equal(spoken.speaker, "customer"))
    stands = pick([OF_COMMENTS[word] for word in STATUSES], status)
    table = canonical(
        "chat_messages",
        "zendesk",
        count,
        END,
        source_record_id=join("message/", name),
        occurred_at=spoken.at,
        conversation_id=take(number, case),
        message_id=name,
        author_kind=choose(by_customer, "customer", "agent"),
        external_id=take(users["external_id"], case),
        email=take(users["email"], case),
        phone=take(users["phone"], case),
        body=spoken.text,
        topic=take(desk.subject, case),
        conversation_status=take(stands, case),
        channel=choose(by_customer, pick(VIAS, desk.cases.via[case]), "web"),
        is_private=marked(pc.equal(spoken.speaker, "note")),
    )
    return Owned(table, desk.cases.person[case], spoken.mood)


def _ratings(streams: Streams, desk: Desk, users: dict[str, Strings], number: Strings) -> Owned:
    rows = np.flatnonzero(desk.rated >= 0)
    name = digits(FIRST_RATING + streams.first * 10 + rows)
    table = canonical(
        "survey_responses",
        "zendesk",
        len(rows),
        END,
        source_record_id=join("response/", name),
        occurred_at=desk.rated_at[rows],
        response_id=name,
        survey_name="Zendesk satisfaction",
        kind="csat",
        score=desk.rated[rows].astype(np.float64),
        score_scale=np.ones(len(rows), np.int64),
        answer=take(desk.comment, rows),
        external_id=take(users["external_id"], rows),
        ticket_id=take(number, rows),
        channel="ticket",
    )
    return Owned(table, desk.cases.person[rows], take(desk.comment_mood, rows))
