"""What a pair weighs stays what it was while a company hardly grows."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.identity.linking.frequencies import forget_frequencies
from pipelines.identity.linking.model import load_model
from pipelines.identity.linking.scoring import score_pairs
from pipelines.identity.policy import load_policy
from pipelines.warehouse.state import attached_state

Load = Callable[..., duckdb.DuckDBPyConnection]
Record = dict[str, Any]

CROWD = [
    {
        "given_name": given,
        "family_name": f"{family}{ending}",
        "birth_date": f"19{50 + number}-0{1 + number % 9}-1{number % 9}",
        "street": f"{number} {family} Road",
        "city": "York",
        "postcode": f"YO{number} 1AA",
    }
    for number, (given, family, ending) in enumerate(
        (given, family, ending)
        for given in ("Oliver", "Amelia", "Rashid", "Birgit")
        for family in ("Turner", "Kowalski", "Nguyen", "Okafor", "Lindqvist")
        for ending in ("", "son")
    )
]
MAGDA = {
    "given_name": "Magdalena",
    "family_name": "Szczepaniak",
    "birth_date": "1980-02-03",
    "street": "4 Mill Lane",
    "city": "Leeds",
    "postcode": "LS1 4AB",
}
TWO = [MAGDA, {**MAGDA, "family_name": "Szczepanik"}]
ONE_MORE = [{**CROWD[0], "given_name": "Magdalena", "family_name": "Szczepaniak", "birth_date": "1951-07-30"}]


@contextmanager
def company(load: Load, records: Sequence[Record], state: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = load(records)
    with attached_state(connection, state):
        yield connection


def weigh(connection: duckdb.DuckDBPyConnection) -> tuple[float, str]:
    """Score, and give the weight and the evidence of the two."""
    score_pairs(connection, load_model(), load_policy())
    (row,) = connection.execute(
        "SELECT weight, detail::VARCHAR FROM linked_pairs WHERE one_record = '0' AND other_record = '1'"
    ).fetchall()
    return row


def test_a_few_records_more_leave_every_weight_as_it_was(load: Load, tmp_path: Path) -> None:
    state = tmp_path / "state.duckdb"
    with company(load, [*TWO, *CROWD], state) as connection:
        before = weigh(connection)
    with company(load, [*TWO, *CROWD, *ONE_MORE], state) as connection:
        assert weigh(connection) == before
    assert weigh(load([*TWO, *CROWD, *ONE_MORE]))[0] != before[0], "counted anew it is another weight"


def test_counts_are_made_anew_when_a_company_has_grown(load: Load, tmp_path: Path) -> None:
    state = tmp_path / "state.duckdb"
    with company(load, [*TWO, *CROWD[: len(CROWD) // 2]], state) as connection:
        weigh(connection)
    with company(load, [*TWO, *CROWD], state) as connection:
        assert weigh(connection) == weigh(load([*TWO, *CROWD]))


def test_counts_are_made_anew_when_everything_is_read_afresh(load: Load, tmp_path: Path) -> None:
    state, grown = tmp_path / "state.duckdb", [*TWO, *CROWD, *ONE_MORE]
    with company(load, [*TWO, *CROWD], state) as connection:
        weigh(connection)
    with company(load, grown, state) as connection:
        forget_frequencies(connection)
        assert weigh(connection) == weigh(load(grown))


def test_what_is_kept_says_no_name_and_no_place(load: Load, tmp_path: Path) -> None:
    with company(load, [*TWO, *CROWD], tmp_path / "state.duckdb") as connection:
        weigh(connection)
        kinds = connection.execute(
            "SELECT kind, typeof(value), count(*) FROM state.link_frequencies WHERE value IS NOT NULL GROUP BY ALL"
        ).fetchall()
    assert {"given_name", "bearers"} <= {kind for kind, _, _ in kinds}
    assert {held for _, held, _ in kinds} == {"UBIGINT"}


def test_a_name_that_nobody_had_when_counts_were_made_is_borne_once(load: Load, tmp_path: Path) -> None:
    state = tmp_path / "state.duckdb"
    with company(load, [*TWO, *CROWD], state) as connection:
        rare = weigh(connection)[0]
    new = [{**each, "given_name": "Xanthippe"} for each in TWO]
    with company(load, [*new, *CROWD], state) as connection:
        assert weigh(connection)[0] == pytest.approx(rare + 1, abs=0.01), "once is half as common as twice"
