"""The sample company's people are found: next to no strangers, and nearly all that could be found at all."""

import secrets

import pytest

from messaging.settings import Settings
from pipelines.identity.evaluation.judge import Evaluation, judge
from pipelines.identity.evaluation.landed import land_tables
from pipelines.identity.evaluation.overmerges import BY_UNKNOWN, UNEXPLAINED
from pipelines.identity.evaluation.run import resolve_landed
from pipelines.identity.policy import load_policy
from pipelines.samples.mails import OURS
from pipelines.samples.times import END
from pipelines.samples.truth import write_truth
from pipelines.samples.world import make_world
from pipelines.warehouse.connection import open_warehouse

pytestmark = pytest.mark.slow
PEOPLE = 3_000


@pytest.fixture(scope="module", params=range(2))
def judged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    seed = secrets.randbelow(1_000_000)
    print(f"company {request.param} has the seed {seed}")  # noqa: T201 - pytest shows it when a test fails
    home = Settings(RAPPORT_HOME=tmp_path_factory.mktemp("home"), RAPPORT_OWN_DOMAINS=OURS.partition("@")[2])
    world, policy = make_world(PEOPLE, seed), load_policy()
    write_truth(world, home.home / "truth")
    with open_warehouse(home.build_path) as connection:
        land_tables(connection, world.tables)
    resolve_landed(home, policy, END.item())
    with open_warehouse(home.build_path, read_only=True) as connection:
        return judge(connection, home.home / "truth" / "identity.parquet", policy)


def test_hardly_any_two_people_are_one_customer(judged: Evaluation) -> None:
    assert judged.score.precision >= 0.99
    assert judged.score.most_people <= 5


def test_what_identifiers_lead_to_is_found(judged: Evaluation) -> None:
    assert judged.score.recall >= 0.9 * judged.ceiling.identifiers


def test_scored_pairs_find_most_of_what_names_and_addresses_lead_to(judged: Evaluation) -> None:
    assert judged.score.recall >= 0.85 * judged.ceiling.attributes


def test_every_error_is_explained_and_every_wrong_pair_counted_once(judged: Evaluation) -> None:
    score = judged.score
    assert sum(each.pairs for each in judged.overmerges) == score.found_pairs - score.right_pairs
    assert sum(each.pairs for each in judged.undermerges) == score.true_pairs - score.right_pairs
    assert not {each.cause for each in judged.overmerges} & {UNEXPLAINED, BY_UNKNOWN}
