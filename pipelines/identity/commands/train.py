"""`rapport identity train`: learn from the company's own records what agreement is worth."""

from typing import TYPE_CHECKING

from messaging.cli.options import AsJson

if TYPE_CHECKING:
    from pipelines.identity.linking.model import LinkModel

# Records that hang by one key are one person for certain; who was merged by scores does not teach scores.
_RESOLVED = """
    CREATE OR REPLACE TEMP TABLE resolved AS
    SELECT source, source_record_id, dense_rank() OVER (ORDER BY identifier_type, match_key) AS component
    FROM identity.identity_map
"""


def train(*, as_json: AsJson = False) -> None:
    """Learn from the last build how to score people whom no key ties; the next build uses it.

    Writes identity_parameters.yaml into the home; remove the file to go back to the shipped parameters.
    """
    from data_contracts.errors import NotFoundError
    from messaging.settings import read_settings
    from messaging.terminal import emit, say
    from pipelines.identity.linking import training
    from pipelines.identity.linking.model import OWN
    from pipelines.identity.policy import home_policy
    from pipelines.warehouse.connection import open_warehouse

    settings = read_settings()
    if not settings.build_path.exists():
        raise NotFoundError("Nothing has been built yet.", "Run `rapport build` first.")
    hand_typed = home_policy(settings.home).identifiers["external_id"].mistyped
    with open_warehouse(settings.build_path, read_only=True) as connection:
        connection.execute(_RESOLVED)
        model = training.train(connection, "intermediate.int_identity__identifiers", hand_typed=hand_typed)
    path = settings.home / OWN
    model.to_file(path)
    document = {"file": str(path), **model.trained_on, "merge_above": model.merge_above}
    emit(document, as_json=as_json, human=lambda: say(_told(model, str(path))))


def _told(model: "LinkModel", path: str) -> str:
    return (
        f"Learnt from {model.trained_on['records']:,} records in {model.trained_on['people']:,} groups, each of which"
        f" one key makes one person: {', '.join(name.replace('_', ' ') for name in model.comparisons)}."
        f" Written to {path}; the next build uses it."
    )
