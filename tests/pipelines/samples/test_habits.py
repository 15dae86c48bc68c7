"""Who prefers a channel answers there, and the truth says which it is."""

from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.samples.arrays import Streams
from pipelines.samples.checkins import ANSWERS_ELSEWHERE, ANSWERS_THERE, check_in
from pipelines.samples.habits import CHANNELS, NONE
from pipelines.samples.times import hours_ahead
from pipelines.samples.world import World


def test_most_check_ins_on_the_preferred_channel_are_answered_and_hardly_any_elsewhere(
    big_world: World,
) -> None:
    history = big_world.history
    asked = check_in(Streams(11, 0), history.people, history.habits)
    prefers = history.habits.channel[asked.person]
    there, elsewhere = prefers == asked.channel, (prefers != asked.channel) & (prefers != NONE)
    assert abs(asked.answered[there].mean() - ANSWERS_THERE) < 0.03
    assert abs(asked.answered[elsewhere].mean() - ANSWERS_ELSEWHERE) < 0.02


def test_only_people_with_a_number_of_their_own_are_texted_and_called_personally(world: World) -> None:
    habits = world.history.habits
    by_phone = habits.channel > CHANNELS.index("email")
    assert habits.own_phone[by_phone].all()
    assert habits.own_email[habits.channel == CHANNELS.index("email")].all()
    phones = world.history.people.phones[: len(habits.channel)][habits.own_phone]
    assert len(np.unique(phones)) == len(phones)


def test_people_with_a_usual_hour_answer_at_that_hour(world: World) -> None:
    history = world.history
    asked = check_in(Streams(7, 0), history.people, history.habits).by("sms")
    hours = history.habits.hour[asked.person]
    at = asked.answered_at + hours_ahead(history.people.place[asked.person]) * np.timedelta64(1, "h")
    habitual = asked.answered & (hours != NONE)
    assert habitual.sum() > 100
    assert (at[habitual].astype("M8[h]").astype(int) % 24 == hours[habitual]).all()


def test_the_truth_tells_the_preferred_channel_of_those_who_have_one(company: Path) -> None:
    preferred = pq.read_table(company / "truth" / "people.parquet")["preferred_channel"]
    assert set(preferred.to_pylist()) == {None, *CHANNELS}
    assert 0.2 < 1 - preferred.null_count / len(preferred) < 0.5


def test_some_calls_are_taken_by_nobody(world: World) -> None:
    calls = world.tables["calls"]
    missed = calls.filter(pc.not_equal(calls["status"], "completed"))
    assert set(missed["direction"].to_pylist()) == {"inbound", "outbound"}
    assert set(missed["duration_seconds"].to_pylist()) == {0}
    assert missed["ended_at"].null_count == missed.num_rows
