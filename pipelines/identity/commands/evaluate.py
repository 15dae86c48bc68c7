"""`rapport identity evaluate`: judge who is taken for whom, on labelled records."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pipelines.identity.evaluate import Score


def evaluate(
    records: Annotated[Path, typer.Argument(help="CSV or parquet: source, source_record_id, email, ...")],
    truth: Annotated[Path, typer.Option(help="CSV or parquet with source, source_record_id, person_id.")],
    region: Annotated[str, typer.Option(help="ISO country of phone numbers that name none.")] = "",
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Resolve labelled records from scratch and say how right that is; no build is needed."""
    from messaging.settings import read_settings
    from messaging.terminal import emit, progress
    from pipelines.identity.evaluate import evaluate_records
    from pipelines.settings import home_region

    with progress("Resolving"):
        score = evaluate_records(records, truth, region.upper() or home_region(read_settings()))
    emit(score.to_document(), as_json=as_json, human=lambda: _tell(score))


def _tell(score: "Score") -> None:
    from messaging.terminal import say

    say(
        f"{score.records:,} records of {score.people:,} people -> {score.clusters:,} clusters, "
        f"the largest of {score.largest_cluster:,} records"
    )
    say(f"precision {score.precision:.4f}   recall {score.recall:.4f}   F1 {score.f1:.4f}")
    say(
        f"{score.right_pairs:,} of {score.found_pairs:,} pairs found are right; "
        f"{score.true_pairs:,} pairs are one person"
    )
    say(
        f"{score.merged_strangers:,} clusters mix strangers; "
        f"{score.split_people:,} people lie in more than one cluster"
    )
