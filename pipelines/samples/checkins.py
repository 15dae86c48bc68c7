"""Check-ins: agents ask people how things are, by e-mail, text, WhatsApp and phone; who answers does so by habit.

Everybody with a preferred channel is asked a few times over half a year, on several channels; most of their
answers come on the preferred one, at their usual hour. Of the others some are asked, and answer anywhere.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from pipelines.samples.arrays import (
    DAY,
    Flags,
    Ints,
    Random,
    Streams,
    Strings,
    Times,
    blank,
    chance,
    choose,
    days,
    hex_ids,
    join,
    repeat_within,
    seconds,
    take,
    weighted,
)
from pipelines.samples.conversations import Episodes, Stage
from pipelines.samples.habits import CHANNELS, NONE, Habits
from pipelines.samples.history import History
from pipelines.samples.mails import OURS as OUR_MAILBOX
from pipelines.samples.people import People
from pipelines.samples.signatures import clean_emails
from pipelines.samples.tables import Owned, canonical
from pipelines.samples.times import END, HOUR, hours_ahead
from pipelines.samples.wording import read_scripts

# rounds after the third one, of those who prefer e-mail and of the others; share of people without a preference
ROUNDS_BY_MAIL, ROUNDS, OTHERS_ASKED = 0.4, 1.8, 0.12
SINCE = 170  # days before the end of the world
SENT_BY_PREFERRED, SENT_BY_OTHER = 0.9, 0.3
ANSWERS_THERE, ANSWERS_ELSEWHERE, ANSWERS_ANYWHERE = 0.75, 0.05, 0.2
CLOSED = 0.95  # of answers, which an agent acknowledges
FEELINGS, FEELING_WEIGHTS = ("pleased", "plain", "upset"), (0.55, 0.37, 0.08)
NEVER = np.datetime64("NaT", "us")


class CheckIns(NamedTuple):
    """A row a message or call of ours: to whom, on which channel, when, when they answered and we acknowledged it.

    NaT is never.
    """

    person: Ints
    channel: Ints
    at: Times
    answered_at: Times
    closed_at: Times

    def by(self, channel: str) -> "CheckIns":
        """Keep those on one channel, by person and time."""
        rows = np.flatnonzero(self.channel == CHANNELS.index(channel))
        rows = rows[np.lexsort((self.at[rows], self.person[rows]))]
        times = (self.at[rows], self.answered_at[rows], self.closed_at[rows])
        return CheckIns(self.person[rows], self.channel[rows], *times)

    @property
    def answered(self) -> Flags:
        """Mark those that were answered before the world ends."""
        return self.answered_at <= END

    def in_turns(self) -> "TurnsOf":
        """Spread each into what we asked and, where there is one by the end of the world, their answer and ours."""
        row, turn = repeat_within(1 + self.answered + (self.closed_at <= END))
        at = np.where(
            turn == 0, self.at[row], np.where(turn == 1, self.answered_at[row], self.closed_at[row])
        )
        return TurnsOf(row, turn, at)


class TurnsOf(NamedTuple):
    """A row a message: the check-in it belongs to, its place in it (they speak in the one with number 1), when."""

    row: Ints
    turn: Ints
    at: Times


class Replies(NamedTuple):
    """What we ask under which subject, what they would answer in which mood, and what we say to that."""

    subject: Strings
    said: tuple[Strings, Strings, Strings]
    mood: Strings

    def text(self, turns: TurnsOf) -> Strings:
        """Give the text of each turn."""
        asked, answer, closing = (take(words, turns.row) for words in self.said)
        return choose(turns.turn == 0, asked, choose(turns.turn == 1, answer, closing))


def check_in(streams: Streams, people: People, habits: Habits) -> CheckIns:
    """Ask people how things are, during their day."""
    rng = streams("checkins")
    particular = habits.channel != NONE
    some = chance(rng, len(people), OTHERS_ASKED)
    mean = np.where(habits.channel == CHANNELS.index("email"), ROUNDS_BY_MAIL, ROUNDS)
    rounds = np.where(particular, 3 + np.minimum(rng.poisson(mean), 4), some * 2)
    person = np.repeat(np.arange(len(people)), rounds)
    known = np.clip((END - people.joined[person]) / DAY - 2, 2.5, SINCE)
    day: Times = (END - days(rng.uniform(2, known))).astype("M8[D]").astype("M8[us]")
    local = seconds(rng.uniform(10, 17.5, len(person)) * 3600)
    at: Times = day + (local - hours_ahead(people.place[person]) * HOUR)
    met = at > people.joined[person] + DAY
    round_of, channel = np.nonzero(np.tile(met[:, None], (1, len(CHANNELS))))
    person, at = person[round_of], at[round_of] + channel * seconds(rng.uniform(60, 900, len(round_of)))
    prefers = channel == habits.channel[person]
    can = np.where(channel == CHANNELS.index("email"), habits.own_email[person], habits.own_phone[person])
    kept = can & (rng.random(len(person)) < np.where(prefers, SENT_BY_PREFERRED, SENT_BY_OTHER)) & (at < END)
    person, channel, at, prefers = person[kept], channel[kept], at[kept], prefers[kept]
    elsewhere = np.where(particular[person], ANSWERS_ELSEWHERE, ANSWERS_ANYWHERE)
    answers = rng.random(len(person)) < np.where(prefers, ANSWERS_THERE, elsewhere)
    answered_at = np.where(answers, _answer_times(rng, people.place[person], habits.hour[person], at), NEVER)
    called = channel == CHANNELS.index("voice")  # a call is taken or not
    answered_at = np.where(answers & called, at, answered_at)
    closed = chance(rng, len(person), CLOSED) & ~called
    later = answered_at + seconds(rng.uniform(1200, 30_000, len(person)))
    return CheckIns(person, channel, at, answered_at, np.where(closed, later, NEVER))


def checkin_mails(streams: Streams, history: History, checkins: CheckIns) -> Owned:
    """Give the check-ins by e-mail and their answers, thread by thread, as the support mailbox has them."""
    rng, ours = streams("checkin_mails"), checkins.by("email")
    said, turns = _talk(rng, history, ours, "mail"), ours.in_turns()
    row, theirs = turns.row, turns.turn == 1
    people, person, count = history.people, ours.person[row], len(row)
    email = clean_emails(people, person, person * 0)
    names = hex_ids("checkin", streams.seed, (streams.first * 10 + row) * 3 + turns.turn, 16)
    message = join(names, choose(theirs, "@mail.example.org", "@harbour-and-pine.example.com"))
    subject, opens = take(said.subject, row), turns.turn == 0
    table = canonical(
        "email_messages",
        "mail",
        count,
        END,
        source_record_id=join("message/", message),
        occurred_at=turns.at,
        message_id=message,
        thread_id=take(message, np.arange(count) - turns.turn),
        direction=choose(theirs, "inbound", "outbound"),
        kind="letter",
        email=email,
        given_name=blank(take(people.given, person), ~theirs),
        family_name=blank(take(people.family, person), ~theirs),
        from_email=choose(theirs, email, OUR_MAILBOX),
        to_email=choose(theirs, OUR_MAILBOX, email),
        subject=choose(opens, subject, join("Re: ", subject)),
        body_text=said.text(turns),
        in_reply_to=blank(take(message, np.maximum(np.arange(count) - 1, 0)), opens),
        attachment_count=np.zeros(count, np.int64),
    )
    return Owned(table, person, blank(take(said.mood, row), ~theirs))


def checkin_texts(streams: Streams, history: History, checkins: CheckIns, channel: str) -> "Texts":
    """Give the check-ins by SMS or WhatsApp and their answers."""
    rng, ours = streams(f"checkin_{channel}"), checkins.by(channel)
    said, turns = _talk(rng, history, ours, "text"), ours.in_turns()
    theirs = turns.turn == 1
    mood = blank(take(said.mood, turns.row), ~theirs)
    return Texts(ours.person[turns.row], turns.at, theirs, said.text(turns), mood)


class Texts(NamedTuple):
    """A row a text message: whose, when, whether they wrote it, what it says, in what mood."""

    person: Ints
    at: Times
    inbound: Flags
    body: Strings
    mood: Strings


def _talk(rng: Random, history: History, ours: CheckIns, topic: str) -> Replies:
    """Word what we ask and what they answer."""
    stage = Stage(rng, history.people, history.orders)
    count = len(ours.person)
    nothing = np.zeros(count, np.int64)
    episodes = Episodes(ours.person, ours.at, nothing - 1, nothing)
    turns = stage.play(episodes, read_scripts("checkin", topic), 0)
    last = np.flatnonzero(np.r_[turns.episode[1:] != turns.episode[:-1], True])[:count]
    asked, subject = take(turns.text, last), take(turns.text, np.flatnonzero(turns.position == 0))
    texts, moods = zip(
        *(stage.word(episodes, read_scripts("checkin", feeling)) for feeling in FEELINGS), strict=True
    )
    which = weighted(rng, count, FEELING_WEIGHTS) * count + np.arange(count)
    answer, mood = (take(pa.concat_arrays(words), which) for words in (texts, moods))
    closing, _ = stage.word(episodes, read_scripts("checkin", "closing"))
    return Replies(subject, (asked, answer, closing), mood)


def _answer_times(rng: Random, place: Ints, hour: Ints, at: Times) -> Times:
    """Draw when each answers: the next time that it is their usual hour, or within a day for who has none."""
    ahead = hours_ahead(place) * HOUR
    local: Times = at + ahead
    midnight: Times = local.astype("M8[D]").astype("M8[us]")
    usual: Times = midnight + seconds((hour + rng.random(len(at))) * 3600)
    soon = usual <= local + seconds(np.full(len(at), 300))
    by_habit = usual + (soon * DAY - ahead)
    return np.where(hour == NONE, at + seconds(rng.uniform(600, 80_000, len(at))), by_habit)
