"""A decision is taken down once, with who and why, never beside one that it contradicts; a file of them whole or not."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st
from sqlalchemy import select

from data_contracts.errors import InputError, NotFoundError, RapportError, RefusedError, UsageError
from messaging.clock import Clock
from messaging.identity_decisions import (
    Kind,
    Record,
    Recorded,
    contradictions,
    export_decisions,
    import_decisions,
    list_decisions,
    record_decision,
    standing_decisions,
    withdraw,
)
from messaging.settings import Settings, read_settings
from messaging.store import Store, open_store
from messaging.store.tables import audit

NOON = datetime.fromisoformat("2026-10-30T12:00")
A, B, C, D = (Record("crm", f"contact/{letter}") for letter in "abcd")


def everything(records: Collection[Record]) -> Collection[Record]:
    return records


def nothing(records: Collection[Record]) -> Collection[Record]:
    return ()


def say(store: Store, kind: Kind, one: Record, other: Record, hours: float = 0, **values: str) -> Recorded:
    words = {"author": "ann", "reason": "They called.", **values}
    clock = Clock(NOON + timedelta(hours=hours))
    return record_decision(store, clock, kind, one, other, known=everything, **words)


def take_over(store: Store, text: str) -> tuple[int, int]:
    imported = import_decisions(store, Clock(NOON), text, "importer", known=everything)
    return len(imported.new), imported.already


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
    environment = {"RAPPORT_HOME": str(settings.home), "PYTHONPATH": str(Path(__file__).parents[3])}
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


TAKE_OVER = """
import sys
from messaging.clock import Clock
from messaging.identity_decisions import import_decisions
from messaging.settings import read_settings
from messaging.store import open_store

row = "{{kind: merge, one: crm/contact/{0}, other: web/contact/{0}, reason: So.}}"
text = "decisions: [" + ", ".join(row.format(number) for number in range(400)) + "]"
with open_store(read_settings()) as store:
    sys.stdout.write("ready\\n")
    sys.stdout.flush()
    import_decisions(store, Clock(), text, "ann", known=lambda records: records)
"""


@pytest.mark.parametrize("share", [0.0, 0.5, 0.8, 0.9, 1.0, 1.1])
def test_an_import_that_is_killed_has_taken_over_everything_or_nothing(
    store: Store, settings: Settings, share: float
) -> None:
    begun = time.monotonic()
    rows = (f"{{kind: merge, one: a/{number}, other: b/{number}, reason: So.}}" for number in range(400))
    take_over(store, f"decisions: [{', '.join(rows)}]")
    usual = time.monotonic() - begun
    environment = {"RAPPORT_HOME": str(settings.home), "PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, "-c", TAKE_OVER]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as importer:
        assert importer.stdout
        assert importer.stdout.readline() == "ready\n"
        time.sleep(usual * share)
        importer.kill()
    assert len(standing_decisions(store)) in {400, 800}
    assert say(store, "split", A, B).is_new


def test_a_file_of_decisions_can_be_read_by_people_and_taken_over_by_another_store(
    store: Store, other_store: Store
) -> None:
    say(store, "merge", A, B, reason="One phone: both answer it.\nAsked twice.")
    gone = say(store, "split", C, D).decision
    withdraw(store, Clock(NOON), gone.decision_id, author="bo", reason="Two sisters.")
    text = export_decisions(store)
    assert text.startswith("# Who people said is one, or is not")
    assert [each["one"] for each in yaml.safe_load(text)["decisions"]] == ["crm/contact/a"]
    assert take_over(other_store, text) == (1, 0)
    assert standing_decisions(other_store) == standing_decisions(store)
    assert take_over(other_store, text) == (0, 1)
    assert export_decisions(other_store) == text


def test_a_decision_written_by_hand_becomes_that_of_whoever_takes_it_over(store: Store) -> None:
    text = "decisions:\n- {kind: merge, one: crm/contact/b, other: crm/contact/a, reason: They called.}\n"
    assert take_over(store, text) == (1, 0)
    (decision,) = standing_decisions(store)
    assert (decision.author, decision.decided_at, decision.one) == ("importer", NOON, A)
    with store.read() as connection:
        (row,) = connection.execute(select(audit)).all()
    assert (row.actor, row.action, row.detail) == ("importer", "identity.import", {"new": 1, "already": 0})


def test_a_time_with_an_offset_is_taken_over_as_utc(store: Store) -> None:
    take_over(
        store,
        "decisions: [{kind: merge, one: a/1, other: a/2, reason: So., decided_at: 2026-10-30T14:00:00+02:00}]",
    )
    assert standing_decisions(store)[0].decided_at == NOON


GOOD = "{kind: merge, one: crm/contact/c, other: crm/contact/d, reason: So.}"


@pytest.mark.parametrize(
    ("row", "error", "told"),
    [
        ("{kind: merge, one: a/1, other: a/2}", InputError, r"line 3: decisions.1.reason: field required"),
        ("{kind: join, one: a/1, other: a/2, reason: x}", InputError, r"line 3: decisions.1.kind: input should be 'merge' or 'split'"),
        ("{kind: merge, one: a/1, other: a/2, reason: x, who: me}", InputError, r"decisions.1.who is no word of this file; legal there: kind, one"),
        ("{kind: merge, one: nobody, other: a/2, reason: x}", InputError, r"line 3: decision 2: 'nobody' names no record"),
        ("{kind: merge, one: a/1, other: a/1, reason: x}", InputError, r"line 3: decision 2: Both sides are the record a/1"),
        ("{kind: merge, one: a/1, other: a/2, reason: ''}", InputError, r"line 3: decision 2: The reason is empty"),
        ("{kind: merge, one: a/1, other: a/2, reason: x, decision_id: 7}", InputError, r"decisions.1.decision_id: needs a text"),
        ("just words", InputError, r"line 3: decisions.1: needs keys with values"),
        ("{kind: split, one: crm/contact/d, other: crm/contact/c, reason: x}", RefusedError, r"Both are in the file"),
        ("{kind: split, one: crm/contact/a, other: crm/contact/b, reason: x}", RefusedError, r"Withdraw that one first"),
    ],
)  # fmt: skip
def test_a_file_with_one_wrong_decision_changes_nothing(
    store: Store, row: str, error: type[RapportError], told: str
) -> None:
    say(store, "merge", A, B)
    before = list_decisions(store)
    with pytest.raises(error, match=told) as refused:
        take_over(store, f"decisions:\n- {GOOD}\n- {row}\n")
    assert "\n" not in str(refused.value)
    assert list_decisions(store) == before


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("decisions: [", "cannot be read as YAML at line 1"),
        ("- merge", "no list of decisions"),
        ("decisions: []\nmore: 1", "no list of decisions"),
        ("decisions: {}", "line 1: decisions: needs a list"),
        ("", "no list of decisions"),
    ],
)
def test_a_file_that_is_no_list_of_decisions_is_refused(store: Store, text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        take_over(store, text)


def test_a_file_that_names_a_vanished_record_changes_nothing(store: Store) -> None:
    text = f"decisions:\n- {GOOD}\n"
    with pytest.raises(NotFoundError, match=r"no record crm/contact/d; nothing changed"):
        import_decisions(store, Clock(NOON), text, "importer", known=lambda _: [C])
    assert list_decisions(store) == ()


def test_a_decision_that_stands_is_left_alone_also_when_its_record_has_vanished(store: Store) -> None:
    say(store, "merge", A, B)
    imported = import_decisions(store, Clock(NOON), export_decisions(store), "importer", known=nothing)
    assert (imported.new, imported.already) == ((), 1)


def test_an_old_file_does_not_bring_back_what_was_withdrawn_since(store: Store) -> None:
    merge = say(store, "merge", A, B).decision
    text = export_decisions(store)
    withdraw(store, Clock(NOON), merge.decision_id, author="bo", reason="Two sisters.")
    with pytest.raises(RefusedError, match=f"{merge.decision_id} of the file was withdrawn here by bo"):
        take_over(store, text)
    assert standing_decisions(store) == ()


def test_an_id_is_never_given_to_two_decisions(store: Store) -> None:
    merge = say(store, "merge", A, B).decision
    row = f"{{kind: merge, one: a/1, other: a/2, reason: x, decision_id: {merge.decision_id}}}"
    with pytest.raises(RefusedError, match="is about other records than here"):
        take_over(store, f"decisions: [{row}]")
    with pytest.raises(InputError, match=f"Decisions 1 and 2 of the file are both {merge.decision_id}"):
        take_over(store, f"decisions: [{row}, {row}]")


@pytest.fixture
def other_store(tmp_path: Path) -> Iterator[Store]:
    home = tmp_path / "other"
    home.mkdir()
    with open_store(read_settings(home=home)) as opened:
        yield opened


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the file of an empty store: copying one is a hundred times as quick as migrating one."""
    home = tmp_path_factory.mktemp("empty")
    open_store(read_settings(home=home)).close()
    return home / "store.db"


@contextmanager
def fresh_store(empty: Path) -> Iterator[Store]:
    with tempfile.TemporaryDirectory() as home:
        shutil.copy(empty, home)
        with open_store(read_settings(home=Path(home))) as store:
            yield store


readable = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1).filter(str.strip)
steps = st.lists(
    st.tuples(
        st.sampled_from(["merge", "split", "withdraw"]),
        st.permutations([A, B, C, D, Record("web", "line/#1 é/2"), Record("web", "~: - {'\" ")]),
        st.floats(0, 9),
        readable,
    ),
    max_size=10,
)


@how(max_examples=40, deadline=None)
@given(drawn=steps)
def test_any_sequence_of_decisions_leaves_a_store_without_contradiction_and_a_file_that_says_the_same(
    empty: Path, drawn: list[tuple[Literal["merge", "split", "withdraw"], list[Record], float, str]]
) -> None:
    with fresh_store(empty) as store, fresh_store(empty) as other:
        for kind, (one, two, *_), hours, words in drawn:
            if kind != "withdraw":
                try_to_say(store, kind, one, two, hours, words)
            elif standing := standing_decisions(store):
                withdraw(store, Clock(NOON), standing[0].decision_id, author=words, reason=words)
        assert contradictions(standing_decisions(store)) == ()
        take_over(other, export_decisions(store))
        assert standing_decisions(other) == standing_decisions(store)


def try_to_say(store: Store, kind: Kind, one: Record, other: Record, hours: float, words: str) -> None:
    before = standing_decisions(store)
    try:
        said = say(store, kind, one, other, hours, author=words[:200], reason=words[:2000])
    except RefusedError:
        assert standing_decisions(store) == before
    else:
        assert said.decision in standing_decisions(store)


def test_the_longest_words_come_back_from_a_file_as_they_were_written(
    store: Store, other_store: Store
) -> None:
    reason = "é: # - '\" " * 180 + "end"
    say(store, "merge", A, B, reason=reason)
    take_over(other_store, export_decisions(store))
    assert [each.reason for each in standing_decisions(other_store)] == [reason]
