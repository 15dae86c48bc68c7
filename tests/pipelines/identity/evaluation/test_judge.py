"""Each error of a resolution is found, counted once, and explained by what the build wrote about it."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from data_contracts.errors import InputError
from pipelines.identity.evaluation.judge import Evaluation, judge
from pipelines.identity.evaluation.telling import errors, figures
from pipelines.identity.policy import load_policy

TABLES = """
    CREATE SCHEMA intermediate;
    CREATE SCHEMA identity;
    CREATE TABLE intermediate.int_identity__records (
        source TEXT, source_record_id TEXT, given_name TEXT, family_name TEXT, birth_date DATE, street TEXT,
        city TEXT, postcode TEXT);
    CREATE TABLE intermediate.int_identity__identifiers (
        origin_table TEXT, source TEXT, source_record_id TEXT, occurred_at TIMESTAMP, identifier_type TEXT,
        value TEXT, match_key TEXT, refused_reason TEXT);
    CREATE TABLE identity.identity_map (
        source TEXT, source_record_id TEXT, customer_id TEXT, identifier_type TEXT, match_key TEXT);
    CREATE TABLE identity.identity_evidence (
        customer_id TEXT, kind TEXT, identifier_type TEXT, match_key TEXT, other_type TEXT, other_key TEXT,
        source TEXT, source_record_id TEXT, other_source TEXT, other_record_id TEXT, weight DOUBLE);
    CREATE TABLE identity.identity_refused (
        customer_id TEXT, other_customer_id TEXT, rule TEXT, kind TEXT, identifier_type TEXT, other_type TEXT,
        source TEXT, source_record_id TEXT, other_source TEXT, other_record_id TEXT, weight DOUBLE, detail JSON);
    CREATE TABLE identity.identity_review (
        customer_id TEXT, other_customer_id TEXT, source TEXT, source_record_id TEXT, other_source TEXT,
        other_record_id TEXT, weight DOUBLE, detail JSON);
    CREATE TABLE identity.identity_phones (phone TEXT, canonical TEXT, validity TEXT, kind TEXT);
    CREATE TABLE identity.identity_blocked (identifier_type TEXT, match_key TEXT, reason TEXT);
"""


class Build:
    """A build in memory: records with their identifiers, and who they were taken for."""

    def __init__(self, folder: Path) -> None:
        self.connection = duckdb.connect()
        self.connection.execute(TABLES)
        self.truth = folder / "truth.csv"
        self.truth.write_text("source,source_record_id,person_id\n")

    def record(
        self, name: str, person: str | None, customer: str | None, anchor: str = "", **said: str | None
    ) -> None:
        """Add a record `s/<name>`; `anchor` names which of the identifiers in `said` it hangs by."""
        columns = {key: said.pop(key) for key in ("given_name", "family_name", "birth_date") if key in said}
        columns |= {key: said.pop(key) for key in ("street", "postcode") if key in said}
        self.insert("intermediate.int_identity__records", {"source": "s", "source_record_id": name} | columns)
        for kind, value in said.items():
            self.insert(
                "intermediate.int_identity__identifiers",
                {"source": "s", "source_record_id": name, "identifier_type": kind, "match_key": value},
            )
        if customer:
            hangs = {"identifier_type": anchor, "match_key": said[anchor]} if anchor else {}
            hangs = hangs or {"identifier_type": "record", "match_key": f"s/{name}"}
            self.insert(
                "identity.identity_map",
                {"source": "s", "source_record_id": name, "customer_id": customer} | hangs,
            )
        if person:
            with self.truth.open("a") as file:
                file.write(f"s,{name},{person}\n")

    def insert(self, table: str, row: dict[str, str | float | None]) -> None:
        """Add a row to a table; what it does not name is NULL."""
        names, marks = ", ".join(row), ", ".join("?" for _ in row)
        self.connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))

    def judged(self) -> Evaluation:
        """Judge the build against its truth."""
        return judge(self.connection, self.truth, load_policy())


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Build]:
    made = Build(tmp_path)
    yield made
    made.connection.close()


def edge(
    customer: str, one: tuple[str, str], other: tuple[str, str], record: str
) -> dict[str, str | float | None]:
    return {
        "customer_id": customer,
        "kind": "deterministic",
        "identifier_type": one[0],
        "match_key": one[1],
        "other_type": other[0],
        "other_key": other[1],
        "source": "s",
        "source_record_id": record,
    }


def test_strangers_are_traced_to_the_identifier_that_both_carry(build: Build) -> None:
    build.record("1", "ann", "c1", "email", email="ann@x", phone="+441")
    build.record("2", "ann", "c1", "email", email="ann@x")
    build.record("3", "bob", "c1", "email", email="bob@x", phone="+441")
    build.insert("identity.identity_evidence", edge("c1", ("email", "ann@x"), ("phone", "+441"), "1"))
    build.insert("identity.identity_evidence", edge("c1", ("email", "bob@x"), ("phone", "+441"), "3"))
    found = build.judged()
    (over,) = found.overmerges
    assert (over.cause, over.people, over.pairs) == ("shared phone", ("ann", "bob"), 2)
    assert over.to_document(show_values=False) == {
        "customer_id": "c1",
        "people": ["ann", "bob"],
        "records": [2, 1],
        "one": "s/1",
        "other": "s/3",
        "false_pairs": 2,
        "cause": "shared phone",
        "begins_with": "email",
        "path": [
            {
                "kind": "deterministic",
                "leads_to": "phone",
                "record": "s/1",
                "other_record": None,
                "weight": None,
            },
            {
                "kind": "deterministic",
                "leads_to": "email",
                "record": "s/3",
                "other_record": None,
                "weight": None,
            },
        ],
    }
    assert "+441" in str(over.to_document(show_values=True))


def test_strangers_on_one_address_need_no_path(build: Build) -> None:
    build.record("1", "ann", "c1", "email", email="us@x")
    build.record("2", "bob", "c1", "email", email="us@x")
    (over,) = build.judged().overmerges
    assert (over.cause, over.path) == ("shared email", ())


def test_strangers_whom_a_score_joined_are_not_put_down_to_an_identifier(build: Build) -> None:
    build.record("1", "ann", "c1", "email", email="a@x")
    build.record("2", "bob", "c1", "email", email="b@x")
    scored = edge("c1", ("email", "a@x"), ("email", "b@x"), "1") | {"kind": "probabilistic", "weight": 9.5}
    build.insert("identity.identity_evidence", scored | {"other_source": "s", "other_record_id": "2"})
    found = build.judged()
    assert found.overmerges[0].cause == "probabilistic"
    assert "-(probabilistic 9.5: s/1, s/2)-" in "\n".join(errors(found, 0, show_values=False))


def test_a_refused_edge_explains_why_one_person_is_two(build: Build) -> None:
    build.record("1", "ann", "c1", "external_id", external_id="s:1", phone="+441")
    build.record("2", "ann", "c2", "external_id", external_id="s:2", phone="+441")
    refused = {
        "customer_id": "c2",
        "other_customer_id": "c1",
        "rule": "limit",
        "kind": "deterministic",
        "identifier_type": "external_id",
        "other_type": "phone",
        "source": "s",
        "source_record_id": "2",
        "detail": '{"type": "external_id", "source": "s", "allowed": 1, "would_be": 2}',
    }
    build.insert("identity.identity_refused", refused)
    found = build.judged()
    (under,) = found.undermerges
    assert (under.cause, under.pairs) == ("refused: limit (external_id)", 1)
    sentence = "\n".join(errors(found, 0, show_values=False))
    assert "2 where 1 may be" in sentence
    assert "both have phone" in sentence
    assert "+441" not in sentence


def test_a_conflict_keeps_its_names_to_itself_unless_they_are_asked_for(build: Build) -> None:
    build.record("1", "ann", "c1", "external_id", external_id="s:1")
    build.record("2", "ann", "c2", "external_id", external_id="s:2")
    conflict = '{"attribute": "given_name", "one": ["Annabel"], "other": ["Wilhelmina"]}'
    build.insert(
        "identity.identity_refused",
        {"customer_id": "c1", "other_customer_id": "c2", "rule": "conflict", "kind": "deterministic",
         "identifier_type": "email", "other_type": "phone", "source": "s", "source_record_id": "1",
         "detail": conflict},
    )  # fmt: skip
    found = build.judged()
    assert found.undermerges[0].cause == "refused: conflict (given_name)"
    assert "Annabel" not in str(found.to_document(0, show_values=False))
    assert "Annabel" in str(found.to_document(0, show_values=True))


@pytest.mark.parametrize(
    ("one", "other", "cause"),
    [
        ({"phone": "+440"}, {"phone": "+440"}, "phone: shared"),
        ({"device_id": "kiosk"}, {"device_id": "kiosk"}, "device_id: may not link"),
        ({"email": "a@x"}, {"email": "a@x"}, "email: not followed"),
        (
            {"email": "a@x", "birth_date": "1991-04-12"},
            {"email": "a@x", "birth_date": "2001-04-09"},
            "email: not followed, birth_date differs",
        ),
        (
            {"given_name": "Zoë", "postcode": "SE1 0AA"},
            {"given_name": "zoe ", "postcode": "se10aa"},
            "alike, but not surely enough",
        ),
        (
            {"given_name": "Ann", "family_name": "Lee"},
            {"given_name": "ann", "family_name": "Lee", "postcode": "X"},
            "nothing shared but a name",
        ),
        ({"email": "a@x", "street": "1 Quay"}, {"email": "b@x"}, "nothing shared"),
        ({"street": "1 Quay"}, {"street": "1 quay"}, "nothing shared but one fact"),
    ],
)
def test_each_piece_of_a_person_says_what_kept_it_apart(
    build: Build, one: dict[str, str], other: dict[str, str], cause: str
) -> None:
    build.insert(
        "identity.identity_blocked", {"identifier_type": "phone", "match_key": "+440", "reason": "shared"}
    )
    build.record("1", "ann", "c1", **one)
    build.record("2", "ann", "c2", **other)
    assert [under.cause for under in build.judged().undermerges] == [cause]


def test_a_close_call_is_told_as_one(build: Build) -> None:
    build.record("1", "ann", "c1", email="a@x")
    build.record("2", "ann", "c2", email="b@x")
    build.insert(
        "identity.identity_review",
        {"customer_id": "c1", "other_customer_id": "c2", "source": "s", "source_record_id": "1",
         "other_source": "s", "other_record_id": "2", "weight": 3.0, "detail": "{}"},
    )  # fmt: skip
    assert build.judged().undermerges[0].cause == "a close call, left for review"


def test_records_that_only_an_order_ties_are_clusters_of_their_own_and_say_so(build: Build) -> None:
    build.record("1", "ann", "c1", "email", email="a@x")
    build.record("2", "ann", None, order="s:9")
    build.record("3", "ann", None, order="s:9")
    found = build.judged()
    assert (found.score.clusters, found.score.true_pairs, found.score.recall) == (3, 3, 0.0)
    assert {under.cause for under in found.undermerges} == {
        "tied, but nobody's: no identifier of a person on it"
    }
    assert found.coverage.without_customer == 2


def test_records_that_only_one_side_knows_are_counted_and_left_out(build: Build) -> None:
    build.record("1", "ann", "c1", "email", email="a@x")
    build.record("2", None, "c1", "email", email="a@x")
    with build.truth.open("a") as file:
        file.write("s,gone,ann\n")
    found = build.judged()
    assert (found.coverage.judged, found.coverage.without_truth, found.coverage.without_record) == (1, 1, 1)
    said = "\n".join(figures(found))
    assert "1 record that the truth file does not name; it is in no figure" in said
    assert "1 of the truth file's records is not among the records" in said


def test_truth_about_other_records_is_refused(build: Build) -> None:
    build.record("1", None, "c1")
    with build.truth.open("a") as file:
        file.write("elsewhere,1,ann\n")
    with pytest.raises(InputError, match="no record in common"):
        build.judged()


def test_every_wrong_pair_is_counted_under_exactly_one_cause(build: Build) -> None:
    build.record("1", "ann", "c1", "email", email="us@x")
    build.record("2", "bob", "c1", "email", email="us@x")
    build.record("3", "cy", "c1", "email", email="us@x")
    build.record("4", "ann", "c2", "email", email="ann@x")
    build.record("5", "ann", "c3", "email", email="ann@y")
    build.record("6", "bob", None)
    found = build.judged()
    document = found.to_document(1, show_values=False)
    assert document["over_merges"]["pairs"] == found.score.found_pairs - found.score.right_pairs == 3
    assert document["under_merges"]["pairs"] == found.score.true_pairs - found.score.right_pairs == 4
    assert len(document["under_merges"]["examples"]) == 1
    assert len(found.to_document(0, show_values=False)["under_merges"]["examples"]) == 3
