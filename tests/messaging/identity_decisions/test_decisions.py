"""A decision is taken down once, with who and why, never beside one that it contradicts."""

import subprocess
import sys
from pathlib import Path

import pytest

from data_contracts.errors import NotFoundError, RefusedError, UsageError
from messaging.clock import Clock
from messaging.identity_decisions import (
    Recorded,
    list_decisions,
    record_decision,
    standing_decisions,
    withdraw,
)
from messaging.settings import Settings
from messaging.store import Store

from .conftest import NOON, A, B, C, D, nothing, say


def test_a_decision_stands_with_who_took_it_why_and_when(store: Store) -> None:
    said = say(store, "merge", B, A, author=" ann ", reason=" One family name, one phone. ")
    (decision,) = standing_decisions(store)
    assert said == Recorded(decision, is_new=True)
    assert decision.decision_id.startswith("dec_")
    assert (decision.kind, decision.one, decision.other) == ("merge", A, B)
    assert (decision.author, decision.reason) == ("ann", "One family name, one phone.")
    assert decision.decided_at == NOON


def test_what_stands_already_is_not_taken_down_twice_whichever_record_comes_first(store: Store) -> None:
    first = say(store, "split", A, B)
    again = say(store, "split", B, A, 1, author="bo", reason="Me too.")
    assert again == Recorded(first.decision, is_new=False)
    assert list_decisions(store) == (first.decision,)


def test_decisions_are_given_in_the_order_in_which_they_were_taken(store: Store) -> None:
    say(store, "merge", A, B, 2)
    say(store, "split", C, D, 1)
    assert [each.kind for each in standing_decisions(store)] == ["split", "merge"]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"author": " "}, "The author is empty"),
        ({"reason": "\n"}, "The reason is empty"),
        ({"reason": "x" * 2001}, "The reason has 2,001 characters"),
        ({"author": "x" * 201}, "The author has 201 characters"),
        ({"reason": "red \x1b[31m"}, "a character that cannot be shown"),
        ({"reason": "half \ud800"}, "a character that cannot be shown"),
    ],
)
def test_without_an_author_and_a_reason_of_some_words_nothing_is_decided(
    store: Store, values: dict[str, str], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        say(store, "merge", A, B, **values)
    assert list_decisions(store) == ()


def test_a_record_is_neither_merged_with_itself_nor_split_from_itself(store: Store) -> None:
    with pytest.raises(UsageError, match="Both sides are the record crm/contact/a"):
        say(store, "split", A, A)


def test_a_decision_about_a_record_that_is_not_there_changes_nothing(store: Store) -> None:
    with pytest.raises(NotFoundError, match=r"no record crm/contact/a, and 1 more of these; nothing changed"):
        record_decision(store, Clock(NOON), "merge", A, B, author="ann", reason="Why not.", known=nothing)
    assert list_decisions(store) == ()


def test_a_contradiction_is_refused_and_what_stands_stays(store: Store) -> None:
    say(store, "merge", A, B)
    say(store, "merge", B, C, 1)
    before = list_decisions(store)
    with pytest.raises(
        RefusedError, match=r"cannot be split: the merge dec_\w+ by ann of 2026-10-30 13:00 UTC"
    ):
        say(store, "split", A, C, 2)
    assert list_decisions(store) == before


def test_once_the_decision_in_its_way_is_withdrawn_the_other_can_be_taken(store: Store) -> None:
    merge = say(store, "merge", A, B).decision
    withdrawn = withdraw(store, Clock(NOON), merge.decision_id, author="bo", reason="Two sisters.")
    split = say(store, "split", A, B)
    assert standing_decisions(store) == (split.decision,)
    assert withdrawn.decision in list_decisions(store)
    assert (withdrawn.decision.withdrawn_by, withdrawn.decision.withdrawn_reason) == ("bo", "Two sisters.")


def test_a_withdrawal_stays_as_it_was_said_first(store: Store) -> None:
    merge = say(store, "merge", A, B).decision
    first = withdraw(store, Clock(NOON), merge.decision_id, author="bo", reason="Two sisters.")
    again = withdraw(store, Clock(NOON), merge.decision_id, author="cy", reason="Cousins.")
    assert again == Recorded(first.decision, is_new=False)


def test_a_withdrawal_needs_an_id_that_is_there_and_a_reason(store: Store) -> None:
    with pytest.raises(NotFoundError, match="There is no decision 'dec_none'"):
        withdraw(store, Clock(NOON), "dec_none", author="bo", reason="Two sisters.")
    merge = say(store, "merge", A, B).decision
    with pytest.raises(UsageError, match="The reason is empty"):
        withdraw(store, Clock(NOON), merge.decision_id, author="bo", reason="")
    assert standing_decisions(store) == (merge,)


def test_a_withdrawn_decision_may_be_taken_again_as_a_new_one(store: Store) -> None:
    merge = say(store, "merge", A, B).decision
    withdraw(store, Clock(NOON), merge.decision_id, author="bo", reason="Two sisters.")
    again = say(store, "merge", A, B, 1)
    assert again.is_new
    assert again.decision.decision_id != merge.decision_id


SAY = """
import sys
from messaging.clock import Clock
from messaging.identity_decisions import Record, record_decision
from messaging.settings import read_settings
from messaging.store import open_store

with open_store(read_settings()) as store:
    sys.stdout.write("ready\\n")
    sys.stdout.flush()
    sys.stdin.readline()
    a, b = Record("crm", "contact/a"), Record("crm", "contact/b")
    record_decision(store, Clock(), sys.argv[1], a, b, author="ann", reason="At once.", known=lambda records: records)
"""


@pytest.mark.parametrize("attempt", range(3))
def test_of_two_contradictory_decisions_at_one_moment_only_one_lands(
    store: Store, settings: Settings, attempt: int
) -> None:
    environment = {
        "RAPPORT_HOME": str(settings.home),
        "RAPPORT_STORE_URL": settings.store_address,
        "PYTHONPATH": str(Path(__file__).parents[3]),
    }
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", SAY, kind],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for kind in ("merge", "split")
    ]
    for writer in writers:
        assert writer.stdout
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin
        writer.stdin.write("now\n")
        writer.stdin.flush()
    errors = [writer.communicate(timeout=60)[1] for writer in writers]
    assert sorted(writer.returncode for writer in writers) == [0, 1]
    assert "RefusedError" in "".join(errors)
    (landed,) = list_decisions(store)
    assert landed.kind == ("merge", "split")[[writer.returncode for writer in writers].index(0)]
