"""`rapport identity merge`, `split`, `decisions` and `journal`, from the words to the store and back."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from data_contracts.errors import InputError, NotFoundError, RefusedError, ReleaseError, UsageError
from messaging.clock import pin_clock
from messaging.identity_decisions import Decision, standing_decisions
from messaging.settings import read_settings
from messaging.store import open_store
from messaging.store.ids import new_id
from pipelines.identity.commands import app
from pipelines.publishing.release import ReleaseFacts, publish
from pipelines.warehouse.connection import open_warehouse

NOON = datetime.fromisoformat("2026-10-30T12:00")
ANN, BOB = "cus_ann", "cus_bob"
SCHEMAS = {
    "customer_360": """customer_id VARCHAR, display_name VARCHAR, given_name VARCHAR, family_name VARCHAR,
        email VARCHAR, phone VARCHAR, country VARCHAR, lifecycle_stage VARCHAR, last_seen_at TIMESTAMP,
        net_revenue_minor BIGINT""",
    "customer_timeline": "customer_id VARCHAR, source VARCHAR, source_record_id VARCHAR, occurred_at TIMESTAMP",
    "orders": "order_id VARCHAR, source VARCHAR, customer_id VARCHAR",
    "order_lines": """customer_id VARCHAR, source VARCHAR, source_record_id VARCHAR, order_id VARCHAR,
        occurred_at TIMESTAMP""",
    "customer_identifiers": "customer_id VARCHAR, identifier_type VARCHAR, value VARCHAR",
    "identity_map": """customer_id VARCHAR, source VARCHAR, source_record_id VARCHAR, identifier_type VARCHAR,
        match_key VARCHAR""",
    "identity_alias": "old_customer_id VARCHAR, customer_id VARCHAR",
    "identity_evidence": """customer_id VARCHAR, kind VARCHAR, identifier_type VARCHAR, match_key VARCHAR,
        other_type VARCHAR, other_key VARCHAR, source VARCHAR, source_record_id VARCHAR""",
    "identity_refused": """customer_id VARCHAR, kind VARCHAR, identifier_type VARCHAR, match_key VARCHAR,
        other_type VARCHAR, other_key VARCHAR, source VARCHAR, source_record_id VARCHAR""",
    "identity_journal": """"at" TIMESTAMP, build_id VARCHAR, kind VARCHAR, customer_id VARCHAR,
        other_customer_id VARCHAR, records BIGINT, cause VARCHAR, detail JSON""",
}
PEOPLE: dict[str, list[tuple[Any, ...]]] = {
    "customer_360": [(each, None, None, None, None, None, None, "new", NOON, 0) for each in (ANN, BOB)],
    "identity_map": [
        (ANN, "shopify", "contact/1", "external_id", "shopify:1"),
        (ANN, "mail", "message/1", "email", "ann@x.example"),
        (ANN, "crm", "contact/3", "external_id", "crm:3"),
        (BOB, "crm", "contact/2", "external_id", "crm:2"),
        (BOB, "chat", "message/[b]\x1b[31m", "record", "chat/message/[b]\x1b[31m"),
    ],
    "customer_identifiers": [
        (ANN, "email", "ann@x.example"),
        (ANN, "external_id", "shopify:1"),
        (BOB, "external_id", "crm:2"),
    ],
    "orders": [("#1001", "shopify", ANN)],
    "order_lines": [
        (ANN, "shopify", "contact/1", "#1001", NOON),
        (None, "shopify", "line/#1002/2", "#1002", NOON),
        (None, "shopify", "line/#1002/1", "#1002", NOON),
    ],
    "identity_alias": [("cus_old", ANN)],
    "identity_journal": [
        (datetime(2026, 10, 1), "bld_1", "born", ANN, None, 2, "first_build", "{}"),
        (datetime(2026, 10, 1), "bld_1", "born", "cus_old", None, 1, "first_build", "{}"),
        (datetime(2026, 10, 2), "bld_2", "merged", ANN, "cus_old", 3, "decision", '{"decision_id": "dec_7"}'),
        (datetime(2026, 10, 3), "bld_3", "split", BOB, ANN, 2, "policy", None),
        (datetime(2026, 10, 4), "bld_4", "born", "cus_cy", None, 1, "evidence", '{"identifier_type": "email"}'),
    ],
}  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "home"
    monkeypatch.setenv("RAPPORT_HOME", str(path))
    monkeypatch.delenv("RAPPORT_STORE_URL", raising=False)
    monkeypatch.chdir(tmp_path)  # no .env of the checkout
    pin_clock(path, NOON)
    publish_people(path)
    return path


def publish_people(home: Path, *without: str) -> None:
    """Publish a release of a few people, as a build does, without some tables."""
    build_path = home / "warehouse" / "build.duckdb"
    tables = [table for table in SCHEMAS if table not in without]
    with open_warehouse(build_path) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS marts")
        for table in tables:
            connection.execute(f"CREATE OR REPLACE TABLE marts.{table} ({SCHEMAS[table]})")
            for row in PEOPLE.get(table, []):
                marks = ", ".join("?" for _ in row)
                connection.execute(f"INSERT INTO marts.{table} VALUES ({marks})", row)
    facts = ReleaseFacts(NOON, NOON, new_id("bld"), "run", {})
    publish(build_path, home / "releases", facts, tables)


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def done(*words: str) -> str:
    result = run(*words)
    assert result.exit_code == 0, result.output or result.exception
    return " ".join(result.stdout.split())


def document(*words: str) -> Any:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output or result.exception
    return json.loads(result.stdout)


def refused(error: type[Exception], *words: str) -> str:
    result = run(*words)
    assert isinstance(result.exception, error), result.output or result.exception
    return str(result.exception)


def standing(home: Path) -> list[Decision]:
    with open_store(read_settings(home=home)) as store:
        return list(standing_decisions(store))


def test_a_merge_shows_the_records_that_it_chose_and_when_it_takes_effect(home: Path) -> None:
    told = done("merge", "ann@x.example", "cus_bob", "--reason", "She called.", "--author", "gus")
    assert "mail/message/1 of cus_ann; it goes wherever its e-mail address goes" in told
    assert "crm/contact/2 of cus_bob; it goes wherever its account goes" in told
    assert "are one person: recorded as dec_" in told
    assert "takes effect in the next build: rapport build. Whoever has opted out stays opted out" in told
    (decision,) = standing(home)
    assert (decision.kind, str(decision.one), str(decision.other)) == (
        "merge",
        "crm/contact/2",
        "mail/message/1",
    )
    assert (decision.author, decision.reason, decision.decided_at) == ("gus", "She called.", NOON)


def test_a_split_inside_a_customer_is_of_the_records_behind_what_was_named(home: Path) -> None:
    told = document("split", "#1001", "ann@x.example", "--reason", "Two sisters.", "--author", "gus")
    assert [each["source_record_id"] for each in told["records"]] == ["contact/1", "message/1"]
    assert told["decision"]["kind"] == "split"
    assert told["is_new"]
    assert told["takes_effect"] == "next build"
    assert [each.decision_id for each in standing(home)] == [told["decision"]["decision_id"]]


def test_the_author_is_who_works_at_this_machine(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody")
    done("split", "cus_ann", "cus_bob", "--reason", "Two sisters.")
    assert [each.author for each in standing(home)] == ["somebody"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("merge", "cus_ann", "mail/message/1"), "They are one customer already, and stay it."),
        (("split", "cus_ann", "cus_bob"), "They are apart already, and stay so."),
    ],
)
def test_what_is_so_already_is_kept_so(home: Path, words: tuple[str, ...], told: str) -> None:
    assert told in done(*words, "--reason", "I know both.")
    assert len(standing(home)) == 1


@pytest.mark.parametrize("order", ["#1002", "shopify/line/#1002/1"])
def test_an_order_that_names_nobody_can_be_given_to_somebody(home: Path, order: str) -> None:
    told = done("merge", order, "cus_bob", "--reason", "She had the receipt.")
    assert "shopify/line/#1002/1 of a guest crm/contact/2 of cus_bob; it goes wherever" in told
    assert "already" not in told
    assert [str(each.other) for each in standing(home)] == ["shopify/line/#1002/1"]


def test_the_same_decision_twice_says_that_it_stands_already(home: Path) -> None:
    done("merge", "cus_ann", "cus_bob", "--reason", "She called.", "--author", "gus")
    told = done("merge", "cus_bob", "cus_old", "--reason", "She called again.")
    assert "That stands already: the merge dec_" in told
    assert "by gus of 2026-10-30 12:00 UTC. Nothing changed." in told
    assert document("merge", "cus_ann", "cus_bob", "--reason", "Again.")["is_new"] is False
    assert len(standing(home)) == 1


def test_a_contradiction_is_refused_until_the_earlier_decision_is_withdrawn(home: Path) -> None:
    merge = document("merge", "cus_ann", "cus_bob", "--reason", "She called.", "--author", "gus")
    decision_id = merge["decision"]["decision_id"]
    sentence = refused(RefusedError, "split", "cus_ann", "cus_bob", "--reason", "Two sisters.")
    assert f"the merge {decision_id} by gus of 2026-10-30 12:00 UTC says that they are one person" in sentence
    assert f"rapport identity decisions withdraw {decision_id}" in sentence
    withdrawal = ("decisions", "withdraw", decision_id, "--author", "gus")
    assert "is withdrawn" in done(*withdrawal, "--reason", "Mistaken.")
    assert "was withdrawn before, by gus on 2026-10-30 12:00 UTC. Nothing changed" in done(
        *withdrawal, "--reason", "Mistaken twice."
    )
    assert document("split", "cus_ann", "cus_bob", "--reason", "Two sisters.")["is_new"]
    assert [each.kind for each in standing(home)] == ["split"]


@pytest.mark.parametrize(
    ("words", "error", "told"),
    [
        (("merge", "cus_ann", "zoe@x.example"), NotFoundError, "The second of the two names nobody"),
        (
            ("split", "mail/message/1", "mail/message/1"),
            RefusedError,
            "Both lead to the record mail/message/1",
        ),
        (("merge", "cus_ann", "cus_bob", "--author", " "), UsageError, "The author is empty"),
    ],
)
def test_what_cannot_be_decided_changes_nothing(
    home: Path, words: tuple[str, ...], error: type[Exception], told: str
) -> None:
    assert told in refused(error, *words, "--reason", "I know both.")
    assert standing(home) == []


def test_a_decision_without_a_reason_is_called_wrongly(home: Path) -> None:
    assert run("merge", "cus_ann", "cus_bob").exit_code == 2
    assert "The reason is empty" in refused(UsageError, "merge", "cus_ann", "cus_bob", "--reason", " ")


def test_what_people_decided_is_listed_with_who_and_why_and_commands_no_terminal(home: Path) -> None:
    done("split", "chat/message/[b]\x1b[31m", "cus_ann", "--reason", "Not [red]her[/red].", "--author", "gus")
    gone = document("merge", "crm/contact/2", "cus_ann", "--reason", "She called.", "--author", "gus")
    done("decisions", "withdraw", gone["decision"]["decision_id"], "--reason", "Mistaken.", "--author", "ida")
    told = done("decisions", "list")
    assert "split chat/message/[b] [31m shopify/contact/1" in told
    assert "2026-10-30 12:00 UTC by gus: Not [red]her[/red]." in told
    assert "\x1b" not in told
    assert "withdrawn" not in told
    assert "withdrawn 2026-10-30 12:00 UTC by ida: Mistaken." in done("decisions", "list", "--all")
    assert len(document("decisions", "list")) == 1
    assert [each["withdrawn_by"] for each in document("decisions", "list", "--all")] == [None, "ida"]


def test_a_list_of_nothing_says_so(home: Path) -> None:
    assert "Nobody has decided anything yet" in done("decisions", "list")
    assert document("decisions", "list") == []
    merge = document("merge", "cus_ann", "cus_bob", "--reason", "She called.")
    done("decisions", "withdraw", merge["decision"]["decision_id"], "--reason", "Mistaken.")
    assert "No decision stands: all were withdrawn, and --all shows them." in done("decisions", "list")


def test_decisions_go_through_a_file_into_another_home(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done("merge", "cus_ann", "cus_bob", "--reason", "She called.", "--author", "gus")
    file = tmp_path / "decisions.yaml"
    assert done("decisions", "export", str(file)) == "1 decision written."
    assert document("decisions", "export", str(file)) == {"file": str(file), "decisions": 1}
    other = tmp_path / "other"
    publish_people(other)
    monkeypatch.setenv("RAPPORT_HOME", str(other))
    assert "1 decision taken over, 0 stood already." in done("decisions", "import", str(file))
    assert standing(other) == standing(home)
    assert document("decisions", "import", str(file)) == {"new": [], "already": 1}


@pytest.mark.parametrize(
    ("content", "error", "told"),
    [
        (
            "one: crm/contact/9, other: crm/contact/2",
            NotFoundError,
            "has no record crm/contact/9; nothing changed",
        ),
        ("one: crm/contact/2", InputError, "line 1: decisions.0.other: field required"),
    ],
)
def test_a_file_with_a_wrong_decision_changes_nothing(
    home: Path, tmp_path: Path, content: str, error: type[Exception], told: str
) -> None:
    file = tmp_path / "decisions.yaml"
    file.write_text(f"decisions: [{{kind: merge, reason: So., {content}}}]")
    assert told in refused(error, "decisions", "import", str(file))
    assert standing(home) == []


def test_a_file_that_is_no_text_is_refused(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "decisions.yaml"
    file.write_bytes(b"\xff\xfe\x00")
    assert "is no text in UTF-8" in refused(InputError, "decisions", "import", str(file))


def test_the_journal_tells_in_order_how_customers_came_to_be(home: Path) -> None:
    told = run("journal").stdout.splitlines()
    assert told[-3:] == [
        "2026-10-02 00:00 UTC  cus_old became part of cus_ann, with 3 records, by a person's decision (dec_7)",
        "2026-10-03 00:00 UTC  cus_bob was cut from cus_ann, with 2 records, by a changed policy",
        "2026-10-04 00:00 UTC  cus_cy was born, with 1 record, by evidence",
    ]
    assert len(told) == 5
    assert run("journal", "--limit", "2").stdout.splitlines() == told[-2:]


@pytest.mark.parametrize("name", ["cus_ann", "cus_old", "ann@x.example"])
def test_the_journal_of_a_customer_holds_what_befell_all_its_ids(home: Path, name: str) -> None:
    told = document("journal", name)
    assert told["customer_id"] == "cus_ann"
    kinds = [(each["kind"], each["customer_id"], each["other_customer_id"]) for each in told["entries"]]
    assert sorted(kinds, key=str) == sorted(
        [
            ("born", "cus_ann", None),
            ("born", "cus_old", None),
            ("merged", "cus_ann", "cus_old"),
            ("split", "cus_bob", "cus_ann"),
        ],
        key=str,
    )
    assert [each["at"] for each in told["entries"]] == sorted(each["at"] for each in told["entries"])


def test_a_journal_that_holds_nothing_of_somebody_says_since_when_it_is_kept(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PEOPLE, "identity_journal", [])
    publish_people(home)
    assert "it began with the first build that kept one" in done("journal", "cus_ann")


def test_the_journal_of_nobody_is_refused(home: Path) -> None:
    assert "names nobody, or several people" in refused(NotFoundError, "journal", "zoe@x.example")


def test_a_release_without_a_journal_says_how_to_get_one(home: Path) -> None:
    publish_people(home, "identity_journal")
    told = refused(ReleaseError, "journal")
    assert "was published without identity_journal" in told
    assert "Run `rapport build`" in told


def test_before_the_first_build_there_is_nobody_to_decide_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAPPORT_HOME", str(tmp_path / "empty"))
    told = refused(ReleaseError, "merge", "cus_ann", "cus_bob", "--reason", "She called.")
    assert told == "Nothing has been published yet. Run `rapport build`."
