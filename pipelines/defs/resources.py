"""The one resource of a run: the build session, which holds the lock and the store."""

from collections.abc import Iterator
from typing import Any, cast

from dagster import Field, InitResourceContext, Noneable, resource

from messaging.clock import read_clock
from messaging.settings import read_settings
from pipelines.defs.moments import parse_moment
from pipelines.defs.session import BuildOrder, BuildSession, open_session
from pipelines.defs.work_requests import REQUEST_TAG, finish_request
from pipelines.warehouse.lock import Patience

CONFIG = {
    "full": Field(bool, default_value=False, description="Build every table afresh; identities are kept."),
    "as_of": Field(
        Noneable(str),
        default_value=None,
        description="The moment the view tells of, ISO, UTC unless it says.",
    ),
    "past": Field(bool, default_value=False, description="Build that moment beside the release that stands."),
}


@resource(config_schema=CONFIG, description="Holds the build's lock; a second build waits for the first.")
def build_session(context: InitResourceContext) -> Iterator[BuildSession]:
    """Open a session for a run that Dagster started: a schedule, a sensor or a person in its UI."""
    settings = read_settings()
    config = cast("dict[str, Any]", context.resource_config)
    moment = parse_moment(config["as_of"], "The run's as_of") if config["as_of"] else None
    run = context.run
    whole = run is None or not run.asset_selection
    order = BuildOrder(full=config["full"], as_of=moment, past=config["past"])
    clock = read_clock(settings.home)
    with open_session(settings, clock, order, Patience(), recorded=whole) as session:
        session.run_id = run.run_id if run else ""
        yield session
        if run and REQUEST_TAG in run.tags:
            finish_request(session, run.tags[REQUEST_TAG])


def session_of(context: Any) -> BuildSession:
    """Give the session of the run that an asset or check is part of."""
    return cast("BuildSession", context.resources.build)
