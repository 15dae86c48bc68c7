"""What was planted in the sample company is found again by the view, in a company that nobody has looked at before."""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from messaging.customers.cards import PARTS, VIEW
from messaging.customers.published import from_tables, published
from messaging.release import ReleaseReader
from pipelines.identity.evaluation.landed import land_tables
from pipelines.publishing.release import ReleaseFacts, publish
from pipelines.samples.mails import OURS
from pipelines.samples.times import END
from pipelines.samples.truth import identity_table, people_table
from pipelines.samples.world import make_world
from pipelines.warehouse.connection import open_warehouse

if TYPE_CHECKING:
    from conftest import Company

pytestmark = pytest.mark.slow
PEOPLE = 2_000
KNOWN = """
WITH shares AS (
    SELECT person_id, customer_id, count(*) AS records
    FROM truth_records JOIN identity.identity_map USING (source, source_record_id)
    GROUP BY ALL
),
main AS (
    SELECT person_id, arg_max(customer_id, (records, customer_id)) AS customer_id FROM shares GROUP BY person_id
)
SELECT people.preferred_channel AS truly, view.preferred_channel AS found
FROM truth_people AS people JOIN main USING (person_id) JOIN marts.customer_360 AS view USING (customer_id)
WHERE people.preferred_channel IS NOT NULL
"""


@pytest.fixture(scope="module")
def company(found_company: Callable[[str], "Company"]) -> "Company":
    seed = secrets.randbelow(1_000_000)
    print(f"the company has the seed {seed}")  # noqa: T201 - pytest shows it when a test fails
    world, company = make_world(PEOPLE, seed), found_company("sample")
    with open_warehouse(company.build_path) as connection:
        land_tables(connection, world.tables)
        for name, table in (("records", identity_table(world)), ("people", people_table(world))):
            connection.register("told", table)
            connection.execute(f"CREATE TABLE truth_{name} AS FROM told")
    company.build(str(END.item()), own_domains=[OURS.partition("@")[2]])
    return company


def test_the_preferred_channel_is_right_for_four_of_five_who_have_one(company: "Company") -> None:
    people = company.rows(KNOWN)
    right = sum(person["truly"] == person["found"] for person in people)
    assert len(people) > PEOPLE / 4
    assert right >= 0.8 * len(people), f"{right} of {len(people)}"


def test_the_card_of_everybody_says_what_the_tables_of_the_release_say(
    company: "Company", tmp_path: Path
) -> None:
    facts = ReleaseFacts(END.item(), END.item(), "bld_1", "run", {})
    publish(company.build_path, tmp_path, facts, [VIEW, *(part.table for part in PARTS)])
    with ReleaseReader(tmp_path).snapshot() as snapshot:
        people = snapshot.rows("SELECT customer_id FROM c360.customer_360")
        assert len(people) > PEOPLE / 2
        for person in people:
            told = published(snapshot, person["customer_id"], orders=50, touches=500)
            assert told == from_tables(snapshot, person["customer_id"], orders=50, touches=500)
