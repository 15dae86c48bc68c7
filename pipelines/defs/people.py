"""Who is whom: the identity step between the two halves of the models."""

from collections.abc import Iterator

from dagster import AssetExecutionContext, AssetSpec, MaterializeResult, multi_asset

from pipelines.defs.keys import key
from pipelines.defs.resources import session_of
from pipelines.identity.people import resolve_people

TABLES = {
    "identity_map": "Which customer each record belongs to.",
    "customer_identifiers": "The addresses, numbers and names that each customer is known by.",
    "identity_alias": "Ids that were merged into another, so that an old link still finds its customer.",
}


@multi_asset(
    name="identity",
    specs=[
        AssetSpec(
            key("identity", table),
            deps=[key("int_identity__identifiers"), key("int_identity__records")],
            group_name="identity",
            description=description,
        )
        for table, description in TABLES.items()
    ],
    required_resource_keys={"build"},
)
def people(context: AssetExecutionContext) -> Iterator[MaterializeResult[None]]:
    """Resolve records to customers; ids are inherited, also on a full build."""
    session = session_of(context)
    with session.stage("identity") as stage:
        session.identity = resolve_people(
            session.settings.build_path, session.settings.state_path, session.as_of
        )
        stage.rows = session.identity.records
    for table in TABLES:
        yield MaterializeResult(key("identity", table), metadata=session.identity.to_document())
