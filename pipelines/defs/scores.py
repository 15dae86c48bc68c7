"""What is concluded of customers: the steps between what each of them did and the view that is published."""

from collections.abc import Iterator

from dagster import AssetExecutionContext, AssetSpec, MaterializeResult, multi_asset

from pipelines.defs.keys import key
from pipelines.defs.resources import session_of
from pipelines.scoring.lifetime.outcome import LifetimeOrder
from pipelines.scoring.lifetime.score import score_lifetime

GROUP = "scoring"


@multi_asset(
    name="lifetime",
    specs=[
        AssetSpec(
            key("scoring", table),
            deps=[key("int_lifetime__order_days")],
            group_name=GROUP,
            description=description,
        )
        for table, description in {
            "lifetime_value": "Whether each buyer is still with us, and what they will order and spend.",
            "model_fits": "What was learnt of customers, and how well it foretold.",
        }.items()
    ],
    required_resource_keys={"build"},
)
def lifetime(context: AssetExecutionContext) -> Iterator[MaterializeResult[None]]:
    """Say what buyers will be worth, by the fit of the week."""
    session = session_of(context)
    settings = session.settings
    with session.stage("lifetime value") as stage:
        order = LifetimeOrder(session.as_of, settings.currency)
        report = score_lifetime(settings.build_path, settings.state_path, order)
        stage.rows = report.customers
        session.notes += report.notes
    for table in ("lifetime_value", "model_fits"):
        yield MaterializeResult(key("scoring", table), metadata=report.to_document())
