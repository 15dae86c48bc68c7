"""What leaves the warehouse: the consents that other systems recorded, then the release.

Consents go first: whoever plans a campaign on a new release must find every opt-out that came with its data.
"""

from dagster import AssetExecutionContext, AssetsDefinition, MaterializeResult, asset

from data_contracts.contracts import contract_names
from pipelines.defs.consents import push_consents
from pipelines.defs.keys import key
from pipelines.defs.resources import session_of
from pipelines.publishing.release import ReleaseFacts, publish
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.records import watermarks, write_lineage

GROUP = "release"


@asset(
    key=key("store_consents"),
    deps=[key("consent_imports"), key("customer_360"), key("customer_timeline")],
    group_name=GROUP,
    required_resource_keys={"build"},
    description="Grants and opt-outs that other systems recorded, as consent events of our own store.",
)
def store_consents(context: AssetExecutionContext) -> MaterializeResult[None]:
    """Record each imported consent once, and each landed opt-out, before anybody can plan on the new view."""
    session = session_of(context)
    with session.stage("consents") as stage:
        counts = push_consents(session.settings, session.store, session.clock.now())
        session.consents = counts
        stage.rows = sum(counts.values())
    return MaterializeResult(metadata=dict(counts))


def release_asset(models: AssetsDefinition) -> AssetsDefinition:
    """Make the release asset; it stands on every mart."""
    marts = [spec.key for spec in models.specs if spec.group_name == "marts"]

    @asset(
        key=key("release"),
        deps=[*marts, key("identity", "identity_alias"), key("store_consents")],
        group_name=GROUP,
        required_resource_keys={"build"},
        description="One read-only file with every published table; current.json names the newest.",
    )
    def release(context: AssetExecutionContext) -> MaterializeResult[None]:
        """Publish what was built."""
        session = session_of(context)
        with session.stage("release") as stage:
            with open_warehouse(session.settings.build_path) as connection:
                write_lineage(connection)
                newest = watermarks(connection, contract_names("inbound"))
            facts = ReleaseFacts(
                as_of=session.as_of,
                built_at=session.clock.now(),
                build_id=session.build_id,
                run_id=session.run_id,
                watermarks=newest,
            )
            settings = session.settings
            session.pointer = publish(settings.build_path, settings.releases_dir, facts)
            stage.rows = sum(session.pointer.row_counts.values())
        return MaterializeResult(metadata={"version": session.pointer.version, **session.pointer.row_counts})

    return release
