"""An evaluation in words: the figures, and each error in one sentence that an engineer can act on."""

from collections.abc import Iterator, Sequence

from rich.markup import escape

from data_contracts.sentences import counted
from pipelines.identity.evaluation.judge import Evaluation, Mistake, causes, telling
from pipelines.identity.evaluation.overmerges import DETERMINISTIC, Evidence, OverMerge, told_node
from pipelines.identity.evaluation.score import Measure
from pipelines.identity.evaluation.undermerges import Refusal, Shared, UnderMerge


def figures(found: Evaluation) -> Iterator[str]:
    """Tell what was judged, what was not, and the figures."""
    score, coverage = found.score, found.coverage
    yield (
        f"{counted(score.records, 'record')} of {counted(score.people, 'person', 'people')} ->"
        f" {counted(score.clusters, 'cluster')}; the largest has {counted(score.largest_cluster, 'record')}, and no cluster"
        f" more than {counted(score.most_people, 'person', 'people')}"
    )
    for count, one, many in (
        (
            coverage.without_truth,
            "record that the truth file does not name; it is in no figure",
            "records that the truth file does not name; they are in no figure",
        ),
        (
            coverage.without_record,
            "of the truth file's records is not among the records; it is in no figure",
            "of the truth file's records are not among the records; they are in no figure",
        ),
        (
            coverage.without_customer,
            "record with nothing that makes it somebody's; it is a cluster",
            "records with nothing that makes them somebody's; each is a cluster",
        ),
    ):
        if count:
            yield counted(count, one, many)
    yield ""
    yield f"{'':<16}{'precision':>10}{'recall':>10}{'F1':>10}"
    for name, measure in (
        ("pairs", score.pairs),
        ("exact clusters", score.whole),
        ("B-cubed", score.b_cubed),
    ):
        yield _row(name, measure)
    reached = found.recall_of_ceiling()
    for name, words in (
        ("identifiers", "by identifiers alone"),
        ("attributes", "with names, birth dates and addresses"),
    ):
        share = reached[name]
        yield (
            f"recall ceiling {found.ceiling.to_document()[name]:.4f} {words}"
            f"{f'; the recall is {share:.1%} of it' if share is not None else ''}"
        )


def _row(name: str, measure: Measure) -> str:
    return f"{name:<16}{measure.precision:>10.4f}{measure.recall:>10.4f}{measure.f1:>10.4f}"


def errors(found: Evaluation, examples: int, *, show_values: bool) -> Iterator[str]:
    """Tell the causes of errors and `examples` of them (0: all)."""
    score = found.score
    yield ""
    yield (
        f"[bold]Over-merged[/]: {score.merged_strangers:,} clusters hold {len(found.overmerges):,} strangers,"
        f" {score.found_pairs - score.right_pairs:,} of {score.found_pairs:,} found pairs are false"
    )
    yield from _causes(found.overmerges)
    for over in telling(found.overmerges, examples):
        yield f"  - {escape(overmerge_sentence(over, show_values=show_values))}"
    yield ""
    yield (
        f"[bold]Under-merged[/]: {score.split_people:,} people lie in {len(found.undermerges):,} pieces too many,"
        f" {score.true_pairs - score.right_pairs:,} of {score.true_pairs:,} true pairs are missing"
    )
    yield from _causes(found.undermerges)
    for under in telling(found.undermerges, examples):
        yield f"  - {escape(undermerge_sentence(under, show_values=show_values))}"


def _causes(mistakes: Sequence[Mistake]) -> Iterator[str]:
    for each in causes(mistakes):
        yield f"  {each['count']:>7,}  {each['pairs']:>10,} pairs  {escape(each['cause'])}"


def overmerge_sentence(mistake: OverMerge, *, show_values: bool) -> str:
    """Tell which two people became one, and by what."""
    owner, stranger = mistake.people
    said = f"{mistake.one} ({owner}) and {mistake.other} ({stranger}) are two people: {mistake.cause}"
    if mistake.start is None:
        return said
    way = told_node(mistake.start, show_values=show_values)
    for edge, to in mistake.path:
        way += f" {_hop(edge)} {told_node(to, show_values=show_values)}"
    return f"{said}; {way}"


def _hop(edge: Evidence) -> str:
    if edge.kind == DETERMINISTIC:
        return f"-({edge.record})-"
    weight = f" {edge.weight:.1f}" if edge.weight is not None else ""
    return f"-({edge.kind}{weight}: {edge.record}, {edge.other_record})-"


def undermerge_sentence(mistake: UnderMerge, *, show_values: bool) -> str:
    """Tell which records are one person's, and what kept them apart."""
    piece = mistake.piece
    one, other = mistake.records
    said = f"{one} and {other} are one person ({piece.person_id}): {mistake.cause}"
    reasons = [_refusal(each) for each in mistake.refused[:1]]
    reasons += [_shared(each, show_values=show_values) for each in mistake.shared]
    return f"{said}; {', '.join(dict.fromkeys(reasons))}" if reasons else said


def _refusal(refusal: Refusal) -> str:
    ends = " and ".join(dict.fromkeys(refusal.types))
    weight = f", weight {refusal.weight:.1f}" if refusal.weight is not None else ""
    detail = refusal.detail
    allowed = f", {detail['would_be']} where {detail['allowed']} may be" if "would_be" in detail else ""
    return f"{refusal.kind} edge of {ends}{weight}{allowed}"


def _shared(shared: Shared, *, show_values: bool) -> str:
    value = f" {shared.value}" if show_values else ""
    return f"both have {shared.what}{value}{f' ({shared.why})' if shared.why else ''}"
