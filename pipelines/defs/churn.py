"""Who is about to leave: between what each customer did and the view that is published."""

from dagster import AssetExecutionContext, MaterializeResult, asset

from pipelines.defs.keys import key
from pipelines.defs.resources import session_of
from pipelines.scoring.churn.score import score_churn


@asset(
    key=key("scoring", "churn"),
    deps=[key("int_churn__signals")],
    group_name="scoring",
    required_resource_keys={"build"},
    description="How likely each buyer is to leave, and why.",
)
def churn(context: AssetExecutionContext) -> MaterializeResult[None]:
    """Judge every buyer by what was learnt this week, or by rules."""
    session = session_of(context)
    with session.stage("churn") as stage:
        report = score_churn(session.settings.build_path, session.as_of, session.settings.state_path)
        stage.rows = report.customers
    return MaterializeResult(metadata=report.to_document())
