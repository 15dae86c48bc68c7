"""A file of decisions says what stands, to people and to another store, and is taken over whole or not at all."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st
from sqlalchemy import select

from data_contracts.errors import InputError, NotFoundError, RapportError, RefusedError
from messaging.clock import Clock
from messaging.identity_decisions import (
    Kind,
    Record,
    contradictions,
    export_decisions,
    import_decisions,
    list_decisions,
    standing_decisions,
    withdraw,
)
from messaging.settings import Settings, read_settings
from messaging.store import Store, open_store
from messaging.store.tables_record import audit

from .conftest import NOON, A, B, C, D, nothing, say, take_over

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
        ("{kind: merge, one: nobody, other: a/2, reason: x}", InputError, r"line 3: decision 2: nobody names no record"),
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
    with open_store(read_settings(home=home, store_url=f"sqlite:///{home / 'store.db'}")) as opened:
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
