"""Who is whom: the identity step between the two halves of the models."""

from collections.abc import Iterator

from dagster import AssetExecutionContext, AssetSpec, MaterializeResult, multi_asset

from messaging.identity_decisions import standing_decisions
from pipelines.defs.keys import key
from pipelines.defs.resources import session_of
from pipelines.identity.linking.model import home_model
from pipelines.identity.linking.scorer import PairScorer
from pipelines.identity.people import IdentityOrder, resolve_people
from pipelines.identity.policy import home_policy

TABLES = {
    "identity_map": "Which customer each record belongs to.",
    "customer_identifiers": "The addresses, numbers and names that each customer is known by.",
    "identity_alias": "Ids that were merged into another, so that an old link still finds its customer.",
    "identity_evidence": "What ties the records of each customer together: which keys stand on which records.",
    "identity_refused": "Evidence that was not followed, with the rule that refused it.",
    "identity_blocked": "Values that prove nothing about anybody, with the reason.",
    "identity_review": "Pairs of customers who may be one person: for people to decide.",
    "identity_journal": "Which customers were born, merged and split, when and why.",
    "identity_phones": "What the numbering plans say of each phone number.",
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
        policy = home_policy(session.settings.home)
        scored = policy.probabilistic.enabled
        order = IdentityOrder(
            policy,
            standing_decisions(session.store),
            link=PairScorer(policy, home_model(session.settings.home)) if scored else None,
            afresh=session.full,
        )
        session.identity = resolve_people(
            session.settings.build_path, session.settings.state_path, session.as_of, order, session.build_id
        )
        stage.rows = session.identity.records
    for table in TABLES:
        yield MaterializeResult(key("identity", table), metadata=session.identity.to_document())
