"""Pairs are found in blocks, and no block is allowed to explode."""

from collections.abc import Callable

import duckdb

from pipelines.identity.linking.blocking import Limits, write_candidates
from pipelines.identity.linking.profiles import write_profiles

Load = Callable[..., duckdb.DuckDBPyConnection]

BORN = {"family_name": "Lee", "birth_date": "1970-01-01"}


def test_two_profiles_of_one_person_are_no_pair(load: Load) -> None:
    connection = load([{**BORN, "given_name": name, "person": 1} for name in ("Ann", "Anna")])
    write_profiles(connection, "identifiers")
    assert write_candidates(connection).pairs == 0


def test_people_who_share_a_birth_date_and_a_name_are_a_pair_once(load: Load) -> None:
    connection = load([{**BORN, "given_name": "Ann", "postcode": "AB1"} for _ in range(2)])
    write_profiles(connection, "identifiers")
    assert write_candidates(connection).pairs == 1


def test_a_block_over_its_limit_is_left_out_and_counted(load: Load) -> None:
    connection = load([{**BORN, "given_name": f"Name{chr(97 + number)}"} for number in range(20)])
    write_profiles(connection, "identifiers")
    found = write_candidates(connection, Limits(19, 19))
    assert (found.pairs, found.skipped_blocks, found.skipped_profiles) == (0, 2, 40)
    assert write_candidates(connection, Limits(20, 20)).pairs == 190


def test_swapped_names_share_a_block(load: Load) -> None:
    connection = load(
        [
            {"given_name": "Grace", "family_name": "Hopper", "postcode": "1"},
            {"given_name": "Hopper", "family_name": "Grace", "postcode": "2"},
        ]
    )
    write_profiles(connection, "identifiers")
    assert write_candidates(connection).pairs == 1
