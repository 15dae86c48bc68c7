"""What planning and the steps of a run share: the installation's parts, and how a run is found."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from data_contracts.errors import NotFoundError
from messaging.addresses import Addresses
from messaging.campaigns import Content, Library
from messaging.clock import Clock
from messaging.customers import Customers
from messaging.links import Links
from messaging.planner.reports import read_run, summarise
from messaging.planner.views import RunSummary
from messaging.segments.lists import versions
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import campaign_runs


@dataclass(frozen=True)
class Parts:
    """The parts of an installation that a campaign's runs need."""

    settings: Settings
    store: Store
    customers: Customers
    library: Library
    addresses: Addresses
    links: Links
    clock: Clock

    def run_of(self, campaign: str, run_id: str | None, *states: str) -> str:
        """Give the run that a person means: the one they name, if it is of that campaign, else the newest.

        Raises NotFoundError.
        """
        if run_id is not None and self.run(run_id).campaign != campaign:
            raise NotFoundError(
                f"Run {run_id} is none of campaign {campaign!r}.", "See `rapport campaign list`."
            )
        return run_id or self.newest_run(campaign, *states)

    def newest_run(self, campaign: str, *states: str) -> str:
        """Give the newest run of a campaign, in one of the states where some are given.

        Raises NotFoundError naming the step that comes before.
        """
        query = select(campaign_runs.c.run_id).where(campaign_runs.c.campaign == campaign)
        which = campaign_runs.c.state.in_(states) if states else campaign_runs.c.state != "planning"
        query = query.where(which)
        query = query.order_by(campaign_runs.c.planned_at.desc(), campaign_runs.c.run_id.desc()).limit(1)
        with self.store.read() as connection:
            found = connection.execute(query).scalar()
        if found is None:
            words = f" that is {' or '.join(states)}" if states else ""
            raise NotFoundError(
                f"There is no run of campaign {campaign!r}{words}.",
                f"Run `rapport campaign plan {campaign}`.",
            )
        return str(found)

    def summary(self, run_id: str) -> RunSummary:
        """Tell how a run was decided."""
        return self._summary(run_id, ())

    def run(self, run_id: str) -> Row[Any]:
        """Give a run as it is stored. Raises NotFoundError."""
        with self.store.read() as connection:
            return read_run(connection, run_id)

    def _content(self, campaign: str) -> Content:
        """Read a campaign's files, and which lists its segment stands on."""
        content = self.library.content(campaign)
        with self.store.read() as connection:
            return content.with_lists(versions(connection, content.segment))

    def _summary(self, run_id: str, notices: Sequence[str], nameless: int | None = None) -> RunSummary:
        with self.store.read() as connection:
            return summarise(connection, run_id, notices, nameless)
