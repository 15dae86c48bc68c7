"""`rapport identity evaluate`: judge who is taken for whom, on labelled records."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.identity.evaluation.judge import Evaluation


def evaluate(  # noqa: PLR0913 - an option each
    records: Annotated[Path, typer.Argument(help="CSV or parquet: source, source_record_id, email, ...")],
    truth: Annotated[Path, typer.Option(help="CSV or parquet with source, source_record_id, person_id.")],
    policy: Annotated[Path | None, typer.Option(help="Another policy than the installation's.")] = None,
    region: Annotated[str, typer.Option(help="ISO country of phone numbers that name none.")] = "",
    examples: Annotated[int, typer.Option(min=0, help="Errors of each sort to show; 0 shows all.")] = 5,
    *,
    show_values: Annotated[
        bool, typer.Option("--show-values", help="Show addresses, numbers and names, not only their kind.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Resolve labelled records from scratch and say how right that is, and why it is wrong; no build is needed."""
    from messaging.settings import read_settings
    from messaging.terminal import emit, progress, say
    from pipelines.identity.evaluation.run import evaluate_records
    from pipelines.identity.policy import home_policy, load_policy

    country = _country(region)
    settings = read_settings()
    followed = load_policy(policy) if policy else home_policy(settings.home)
    with progress("Resolving"):
        found = evaluate_records(records, truth, settings, followed, country)
    emit(
        found.to_document(examples, show_values=show_values),
        as_json=as_json,
        human=lambda: say("\n".join(_told(found, examples, show_values=show_values))),
    )


def _country(region: str) -> str:
    """Give a country as numbering plans name it; without one, the installation's is taken."""
    import phonenumbers

    from data_contracts.errors import UsageError

    country = region.strip().upper()
    if country and country not in phonenumbers.SUPPORTED_REGIONS:
        raise UsageError(
            f"No numbering plan is known of the region {region!r}.", "Give an ISO country: GB, DE, US."
        )
    return country


def _told(found: "Evaluation", examples: int, *, show_values: bool) -> "Iterator[str]":
    """Tell an evaluation line by line."""
    from pipelines.identity.evaluation.telling import errors, figures

    yield from figures(found)
    yield from errors(found, examples, show_values=show_values)
