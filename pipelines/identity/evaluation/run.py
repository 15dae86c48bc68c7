"""Resolve labelled records as a build would, in a home that is thrown away, and judge the result.

Nothing is imitated: the records land as contacts of a new warehouse, the models that a build runs before the
identity step make identifiers of them, and the build's own step decides who is whom.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from data_contracts.errors import BuildError
from messaging.settings import Settings
from pipelines.identity.evaluation.judge import Evaluation, judge
from pipelines.identity.evaluation.labelled import load_records, load_truth
from pipelines.identity.evaluation.landed import land_as_contacts
from pipelines.identity.evaluation.records import require_common
from pipelines.identity.linking.model import LinkModel, home_model
from pipelines.identity.linking.scorer import PairScorer
from pipelines.identity.people import IdentityOrder, resolve_people
from pipelines.identity.policy import Policy
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.dbt_runner import run_dbt

NEVER = datetime(1970, 1, 1)  # naive UTC, as everywhere in tables
_NEWEST = "SELECT coalesce(max(occurred_at), ?) FROM records"


def evaluate_records(
    records: Path, truth: Path, settings: Settings, policy: Policy, default_region: str = ""
) -> Evaluation:
    """Resolve a file of records from scratch and judge the result against a truth file; no build is needed.

    `settings` are the installation's, whose own domains are no customer's. `default_region` is the ISO country of
    phone numbers that name none; without it the one of the installation's time zone. Raises InputError when a
    file is not what it should be, or the two have no record in common.
    """
    with throwaway_home(settings) as home:
        with open_warehouse(home.build_path) as connection:
            load_records(connection, records, "records")
            load_truth(connection, truth, "truth")
            require_common(connection, "records")
            land_as_contacts(connection)
            as_of = connection.execute(_NEWEST, [NEVER]).fetchall()[0][0]
        resolve_landed(home, policy, as_of, default_region, home_model(settings.home))
        with open_warehouse(home.build_path, read_only=True) as connection:
            return judge(connection, truth, policy)


@contextmanager
def throwaway_home(settings: Settings) -> Iterator[Settings]:
    """Give the same settings with a home of their own, which is gone after the block."""
    with TemporaryDirectory(prefix="rapport-identity-") as folder:
        yield settings.model_copy(update={"home": Path(folder)})


def resolve_landed(
    home: Settings, policy: Policy, as_of: datetime, default_region: str = "", model: LinkModel | None = None
) -> None:
    """Take what schema `landing` of a home's warehouse holds as far as schema `identity`.

    Pairs are scored by `model`, without one by the home's, where the policy allows it. No connection to the file
    may be open. Raises BuildError when a model fails or one of its tests does.
    """
    variables = {"default_region": default_region.upper()} if default_region else {}
    results = run_dbt(
        home, select=["tag:before_identity"], as_of=as_of.isoformat(), full=False, variables=variables
    )
    failed = [result.name for result in results if result.failed]
    if failed:
        raise BuildError(
            f"The records could not be prepared: {', '.join(failed)} failed.",
            "Look at the columns that these are about.",
        )
    link = PairScorer(policy, model or home_model(home.home)) if policy.probabilistic.enabled else None
    resolve_people(home.build_path, home.state_path, as_of, IdentityOrder(policy, link=link))
