"""Consents, between identity and the models: what other systems recorded goes to the store, and the store's word comes back.

They go first: the view says of each person what the gate will say, and whoever plans a campaign on a new release finds every
opt-out that came with its data. A build that fails later has recorded what was landed and checked, and nothing else.
"""

from dagster import AssetExecutionContext, MaterializeResult, asset

from pipelines.defs.consents import push_consents
from pipelines.defs.keys import key
from pipelines.defs.resources import session_of
from pipelines.defs.standing import write_standing
from pipelines.sources.opt_outs import TABLES

GROUP = "store"
_SAID = [key(f"stg_landing__{table}") for table in ("consents", *TABLES)]
_WHO = [
    key("identity", table)
    for table in ("identity_map", "customer_identifiers", "identity_alias", "identity_journal")
]


@asset(
    key=key("store_consents"),
    deps=[*_SAID, *_WHO],
    group_name=GROUP,
    required_resource_keys={"build"},
    description="Grants and opt-outs that other systems recorded, as consent events of our own store.",
)
def store_consents(context: AssetExecutionContext) -> MaterializeResult[None]:
    """Record each imported consent once, and each landed opt-out."""
    session = session_of(context)
    with session.stage("consents") as stage:
        counts = push_consents(session.settings, session.store, session.clock.now())
        session.consents = counts
        stage.rows = sum(counts.values())
    return MaterializeResult(metadata=dict(counts))


@asset(
    key=key("store", "consents"),
    deps=[key("store_consents"), key("identity", "customer_identifiers"), key("identity", "identity_phones")],
    group_name=GROUP,
    required_resource_keys={"build"},
    description="What the store's gate says of each person, address and channel that anything was said of.",
)
def standing_consents(context: AssetExecutionContext) -> MaterializeResult[None]:
    """Lay the store's word into the warehouse."""
    session = session_of(context)
    with session.stage("standing") as stage:
        stage.rows = write_standing(session.settings, session.store, session.clock.now())
    return MaterializeResult(metadata={"dagster/row_count": stage.rows})
