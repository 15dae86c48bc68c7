"""Another policy, scorer or currency is another basis, and what a build began with is what its tables are taken to be of."""

import re
from collections.abc import Callable, Iterator

import duckdb
import pytest

from data_contracts.errors import BuildError
from messaging.settings import Settings, read_settings
from pipelines.defs.basis import basis_of
from pipelines.identity.policy import SHIPPED as IDENTITY
from pipelines.scoring.actions.rules import SHIPPED as ACTIONS
from pipelines.scoring.sentiment.vader import VaderScorer
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.increment import Basis, begin, finish, leave, require_own

FIRST, OTHER = Basis("policies of one day", "release-1"), Basis("those of another", "release-1")


def prefer_what_is_frequent(settings: Settings) -> None:
    shipped = IDENTITY.read_text(encoding="utf-8")
    changed = shipped.replace("default: [stated, completeness, recency, frequency]", "default: [frequency]")
    assert changed != shipped
    (settings.home / IDENTITY.name).write_text(changed, encoding="utf-8")


def give_another_reason(settings: Settings) -> None:
    shipped = ACTIONS.read_text(encoding="utf-8")
    changed = re.sub(r"reason: (\"?)", r"reason: \1Now: ", shipped, count=1)
    assert changed != shipped
    (settings.home / ACTIONS.name).write_text(changed, encoding="utf-8")


def weigh_a_word_otherwise(settings: Settings) -> None:
    (settings.home / "sentiment.yaml").write_text("lexicon: {lovely: -2}", encoding="utf-8")


@pytest.mark.parametrize("change", [prefer_what_is_frequent, give_another_reason, weigh_a_word_otherwise])
def test_a_file_of_rules_that_was_changed_is_another_basis(
    settings: Settings, change: Callable[[Settings], None]
) -> None:
    settings.home.mkdir()
    before = basis_of(settings)
    change(settings)
    assert basis_of(settings).name != before.name


def test_a_newer_scorer_is_another_basis(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    before = basis_of(settings)
    assert basis_of(settings) == before
    monkeypatch.setattr(VaderScorer, "version", "vader-newer")
    assert basis_of(settings).name != before.name


def test_another_currency_is_another_basis(settings: Settings) -> None:
    assert basis_of(settings).name != basis_of(read_settings(home=settings.home, currency="SEK")).name


@pytest.fixture
def warehouse(settings: Settings) -> Iterator["duckdb.DuckDBPyConnection"]:
    """Give a warehouse whose tables a build has just made, by FIRST."""
    with open_warehouse(settings.build_path) as connection:
        leave(connection)
        begin(connection, [], None, FIRST, full=False)
        finish(connection, FIRST)
        yield connection


def test_tables_are_taken_to_be_of_what_their_build_began_with(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert leave(warehouse) == FIRST
    assert begin(warehouse, [], FIRST, OTHER, full=False).kind == "full"


def test_tables_that_a_run_of_a_few_assets_or_a_failed_build_touched_are_of_nothing_known(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    assert leave(warehouse) == FIRST
    assert leave(warehouse) is None, "the first to touch them did not end with a release"
    assert begin(warehouse, [], None, FIRST, full=False).kind == "full"


def test_tables_that_somebody_made_by_hand_during_a_build_are_published_by_nobody(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    leave(warehouse)
    begin(warehouse, [], FIRST, FIRST, full=True)
    require_own(warehouse)
    warehouse.execute("DROP TABLE increment.built")  # as dbt's own hook does
    with pytest.raises(BuildError, match="ran dbt by hand"):
        require_own(warehouse)
    finish(warehouse, FIRST)
    assert leave(warehouse) is None


def test_nothing_of_how_things_stood_before_a_part_outlives_it(warehouse: duckdb.DuckDBPyConnection) -> None:
    warehouse.execute("CREATE TABLE increment.former_consents (address VARCHAR)")
    warehouse.execute("CREATE VIEW increment.former_rows AS FROM increment.former_consents")
    finish(warehouse, FIRST)
    left = warehouse.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'increment'"
    ).fetchall()
    assert {"former_consents", "former_rows"}.isdisjoint(name for (name,) in left)
    assert ("built",) in left
