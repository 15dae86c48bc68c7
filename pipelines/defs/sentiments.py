"""How people feel in what they write: beside identity, for it needs staging only."""

from dagster import AssetExecutionContext, MaterializeResult, asset

from pipelines.defs.keys import key
from pipelines.defs.resources import session_of
from pipelines.scoring.sentiment.policy import home_sentiment_policy
from pipelines.scoring.sentiment.scorer import choose_scorer
from pipelines.scoring.sentiment.texts import score_texts


@asset(
    key=key("scoring", "sentiments"),
    deps=[key("int_texts__texts")],
    group_name="scoring",
    required_resource_keys={"build"},
    description="The language and mood of each distinct text that customers wrote.",
)
def sentiments(context: AssetExecutionContext) -> MaterializeResult[None]:
    """Read the texts that are new."""
    session = session_of(context)
    with session.stage("sentiments") as stage:
        scorer = choose_scorer(home_sentiment_policy(session.settings.home))
        report = score_texts(session.settings.build_path, scorer, afresh=session.full)
        stage.rows = report.texts
    return MaterializeResult(metadata={"texts": report.texts, "scored": report.scored, **report.labels})
