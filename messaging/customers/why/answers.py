"""The answer to a question of why, for one customer or for two sides."""

from collections.abc import Mapping, Sequence
from typing import Any

from data_contracts.sentences import counted
from messaging.customers import lookup
from messaging.customers.journal import JournalEntry, journal
from messaging.customers.why import evidence as release
from messaging.customers.why import words
from messaging.customers.why.paths import shortest
from messaging.customers.why.sides import names_of, whom
from messaging.customers.why.views import (
    CloseCall,
    Evidence,
    Node,
    Refusal,
    Step,
    Whom,
    Why,
)
from messaging.customers.why.waterfall import read_waterfall
from messaging.release import Row, Snapshot

MOST = 20  # lines of each kind
SHOWN_STEPS = 12  # of a longer way, the steps at both ends
OLDER = "This release was published before Rapport kept {what}: run `rapport build`."
WHAT = {
    "identity_evidence": "the evidence that ties records together",
    "identity_refused": "the evidence that it refused",
    "identity_review": "close calls",
    "identity_journal": "a journal of ids",
}
KINDS = {"deterministic": "by identifiers", "probabilistic": "by likeness", "human": "by somebody's decision"}


def why_one(snapshot: Snapshot, asked: str) -> Why:
    """Say what ties one customer's records together, what was refused, what is under review, and its ids."""
    tables = release.present(snapshot)
    one = whom(snapshot, asked, tables)
    sources = [(row["source"], row["records"]) for row in _rows(snapshot, release.SOURCES, one.customer_id)]
    steps = _strongest(snapshot, one.customer_id, tables)
    refused = _refused(snapshot, one.customer_id, tables)
    review = _review(snapshot, one.customer_id, None, tables)
    aliases = lookup.earlier_ids(snapshot, one.customer_id)
    entries = _journal(snapshot, one.customer_id, tables)
    missing = _missing(tables)
    sentences = [
        _records(one, sources),
        *_ties(snapshot, one.customer_id, tables),
        *(step.sentence for step in steps),
        *dict.fromkeys(each.sentence for each in refused),
        *(each.sentence for each in review),
        *([f"Earlier ids: {', '.join(aliases)}."] if aliases else []),
        *map(words.became, entries),
        *_older(missing),
    ]
    return Why(
        same=True,
        one=one,
        other=None,
        sentences=tuple(sentences),
        steps=tuple(steps),
        refused=refused,
        review=review,
        sources=tuple(sources),
        aliases=aliases,
        journal=entries,
        missing=missing,
    )


def why_apart_or_together(snapshot: Snapshot, asked: str, other_asked: str) -> Why:
    """Say why two sides are one customer (the shortest evidence between them), or what keeps them apart."""
    tables = release.present(snapshot)
    one = whom(snapshot, asked, tables, place="the first side")
    other = whom(snapshot, other_asked, tables, place="the second side")
    if one.customer_id == other.customer_id:
        return _together(snapshot, one, other, tables, {asked.strip(), other_asked.strip()})
    return _apart(snapshot, one, other, tables)


def _together(snapshot: Snapshot, one: Whom, other: Whom, tables: frozenset[str], asked: set[str]) -> Why:
    missing = _missing(tables & {"identity_evidence"} | (set(WHAT) - {"identity_evidence"}))
    aliases = lookup.earlier_ids(snapshot, one.customer_id)
    entries = _journal(snapshot, one.customer_id, tables) if asked & set(aliases) else ()
    way = None if missing else _way(snapshot, one, other)
    steps = _steps(snapshot, one.customer_id, way, tables) if way else []
    sentences = [f"They are one customer, {_called(one)}.", *(step.sentence for step in steps)]
    if way is not None and len(way) == 1 and one.node and one.node == other.node:
        sentences.append(f"Both are known by {words.label(one.node)}.")
    elif way is None and not missing:
        sentences.append(
            "No evidence of this release leads from one to the other: their ids were joined earlier."
        )
    if way and len(way) - 1 > len(steps):
        sentences.insert(
            1, f"The way between them takes {len(way) - 1} steps; these are the first and the last."
        )
    return Why(
        same=True,
        one=one,
        other=other,
        sentences=(*sentences, *map(words.became, entries), *_older(missing)),
        steps=tuple(steps),
        distance=None if way is None else len(way) - 1,
        aliases=aliases,
        journal=entries,
        missing=missing,
    )


def _way(snapshot: Snapshot, one: Whom, other: Whom) -> list[int] | None:
    """Find the shortest way by what is certain; only where there is none, by likeness too."""
    start = release.place_of(snapshot, one.customer_id, one.node)
    goal = release.place_of(snapshot, other.customer_id, other.node)
    if start is None or goal is None:
        return None
    for guesses in (False, True):
        found = shortest(*release.edges(snapshot, one.customer_id, guesses=guesses), start, goal)
        if found is not None:
            return found
    return None


def _steps(snapshot: Snapshot, customer_id: str, way: list[int], tables: frozenset[str]) -> list[Step]:
    half = SHOWN_STEPS // 2
    parts = [way] if len(way) - 1 <= SHOWN_STEPS else [way[: half + 1], way[-half - 1 :]]
    ties = [tie for part in parts for tie in release.ties_between(snapshot, customer_id, part)]
    orders = release.orders_of(snapshot, customer_id, [each for found, _ in ties for each in found], tables)
    return [_step(found, detail, orders) for found, detail in ties]


def _step(found: list[Evidence], detail: dict[str, Any], orders: dict[tuple[str, str], str]) -> Step:
    if found[0].kind == "human":
        return Step(words.decided(found[0], detail), tuple(found))
    return Step(words.tie(found, orders), tuple(found))


def _strongest(snapshot: Snapshot, customer_id: str, tables: frozenset[str]) -> list[Step]:
    if "identity_evidence" not in tables:
        return []
    rows = _rows(snapshot, release.STRONGEST, customer_id, limit=MOST)
    grouped: dict[tuple[str, Node, Node], list[tuple[Evidence, Row]]] = {}
    for row in rows:
        found = release.read_evidence(row)
        grouped.setdefault((found.kind, found.left, found.right), []).append((found, row))
    orders = release.orders_of(
        snapshot, customer_id, [e for some in grouped.values() for e, _ in some], tables
    )
    return [
        _step([each for each, _ in some], release.read_detail(some[0][1]), orders)
        for some in grouped.values()
    ]


def _apart(snapshot: Snapshot, one: Whom, other: Whom, tables: frozenset[str]) -> Why:
    missing = _missing(tables | {"identity_evidence", "identity_journal"})
    pair = {"one": one.customer_id, "other": other.customer_id, "limit": MOST}
    rows: list[Row] = []
    if "identity_refused" in tables:
        rows = snapshot.rows(release.BETWEEN, pair) + snapshot.rows(release.BLOCKED_ON_BOTH, pair)
    refused = _told(snapshot, rows, (one.customer_id, other.customer_id))
    review = _review(snapshot, one.customer_id, other.customer_id, tables)
    named = {each.evidence.right for each in refused} | {each.evidence.left for each in refused}
    both = [
        f"Both are known by {words.label(node)}, which ties nobody."
        for row in snapshot.rows(release.HELD_BY_BOTH, pair)
        if (node := Node(row["identifier_type"], row["value"])) not in named
    ]
    reasons = [*dict.fromkeys(each.sentence for each in refused), *both, *(each.sentence for each in review)]
    nothing = [] if reasons or missing else ["Nothing ties them."]
    once = [
        entry
        for entry in _journal(snapshot, one.customer_id, tables)
        if other.customer_id in (entry.customer_id, entry.other_customer_id)
        and one.customer_id in (entry.customer_id, entry.other_customer_id)
    ]
    first = f"They are two customers, {_called(one)} and {_called(other)}."
    return Why(
        same=False,
        one=one,
        other=other,
        sentences=(first, *reasons, *nothing, *map(words.became, once), *_older(missing)),
        refused=refused,
        review=review,
        journal=tuple(once),
        missing=missing,
    )


def _refused(snapshot: Snapshot, customer_id: str, tables: frozenset[str]) -> tuple[Refusal, ...]:
    if "identity_refused" not in tables:
        return ()
    return _told(snapshot, _rows(snapshot, release.REFUSED, customer_id, limit=MOST), (customer_id,))


def _told(snapshot: Snapshot, rows: Sequence[Row], asked: tuple[str, ...]) -> tuple[Refusal, ...]:
    """Put refusals into words, the first who was asked about before the other, who is named where nobody asked."""
    others = {row["other_customer_id"] for row in rows} | {row["customer_id"] for row in rows}
    names = names_of(snapshot, sorted(others - {*asked, None}))
    told = []
    for row in rows:
        found, detail = release.read_evidence(row), release.read_detail(row)
        if row["customer_id"] != asked[0] and "one" in detail:
            detail |= {"one": detail["other"], "other": detail["one"]}
        accounts = _accounts(snapshot, row, detail) if row["rule"] == "limit" else {}
        sentence = words.refusal(
            row["rule"],
            found,
            detail,
            sorted({each for some in accounts.values() for each in some}),
            words.listed(accounts[row["other_customer_id"]])
            if accounts.get(row["other_customer_id"])
            else "",
        )
        stranger = next(
            (i for i in (row["other_customer_id"], row["customer_id"]) if i and i not in asked), None
        )
        if stranger:
            sentence = words.of_another(names.get(stranger), stranger, sentence)
        told.append(
            Refusal(sentence, row["rule"], row["customer_id"], row["other_customer_id"], found, detail)
        )
    return tuple(told)


def _accounts(snapshot: Snapshot, row: Row, detail: dict[str, Any]) -> dict[str, list[str]]:
    """Give what each of two customers has of the kind of which a joined one would have too many."""
    kind, prefix = detail.get("type", ""), f"{detail['source']}:" if detail.get("source") else ""
    found = {}
    for customer_id in (row["customer_id"], row["other_customer_id"]):
        asked = {"customer_id": customer_id, "kind": kind, "prefix": prefix}
        held = snapshot.rows(release.OF_KIND, asked)
        found[customer_id] = [each["value"].removeprefix(prefix) for each in held]
    return found


def _review(
    snapshot: Snapshot, customer_id: str, other: str | None, tables: frozenset[str]
) -> tuple[CloseCall, ...]:
    if "identity_review" not in tables:
        return ()
    rows = snapshot.rows(release.REVIEW, {"one": customer_id, "other": other, "limit": MOST})
    asked = {customer_id, other}
    strangers = [
        next((i for i in (row["other_customer_id"], row["customer_id"]) if i not in asked), None)
        for row in rows
    ]
    names = names_of(snapshot, sorted({each for each in strangers if each}))
    return tuple(_close_call(row, stranger, names) for row, stranger in zip(rows, strangers, strict=True))


def _close_call(row: Row, stranger: str | None, names: Mapping[str, str]) -> CloseCall:
    records = (
        words.record_label(row["source"], row["source_record_id"]),
        words.record_label(row["other_source"], row["other_record_id"]),
    )
    waterfall = read_waterfall(row["detail"], row["weight"])
    assert waterfall is not None, f"review {row['review_id']} has no weights"
    sentence = words.close_call(records, row["probability"])
    return CloseCall(
        words.of_another(names.get(stranger), stranger, sentence) if stranger else sentence,
        row["review_id"],
        row["customer_id"],
        row["other_customer_id"],
        records,
        waterfall,
    )


def _journal(snapshot: Snapshot, customer_id: str, tables: frozenset[str]) -> tuple[JournalEntry, ...]:
    return tuple(journal(snapshot, customer_id, MOST)) if "identity_journal" in tables else ()


def _rows(snapshot: Snapshot, query: str, customer_id: str, **more: int) -> list[Row]:
    return snapshot.rows(query, {"customer_id": customer_id, **more})


def _records(one: Whom, sources: Sequence[tuple[str, int]]) -> str:
    total = sum(records for _, records in sources)
    named = [f"{records:,} from {source.replace('_', ' ')}" for source, records in sources]
    are = "are" if total != 1 else "is"
    return f"{counted(total, 'record', 'records')} {are} {_called(one)}: {words.listed(named)}."


def _ties(snapshot: Snapshot, customer_id: str, tables: frozenset[str]) -> list[str]:
    if "identity_evidence" not in tables:
        return []
    kinds = {row["kind"]: row["edges"] for row in _rows(snapshot, release.TIES, customer_id)}
    if not kinds:
        return ["One identifier is all that they carry, so that nothing had to be tied."]
    total = sum(kinds.values())
    ties = counted(total, "tie holds", "ties hold") + " them together"
    shown = f"; these are {MOST} of them" if total > MOST else ""
    if len(kinds) == 1:
        return [f"{ties}, {'all ' if total > 1 else ''}{KINDS[next(iter(kinds))]}{shown}."]
    named = [f"{kinds[kind]:,} {how}" for kind, how in KINDS.items() if kind in kinds]
    return [f"{ties}: {words.listed(named)}{shown}."]


def _called(one: Whom) -> str:
    return f"{one.name} ({one.customer_id})" if one.name else one.customer_id


def _missing(tables: frozenset[str] | set[str]) -> tuple[str, ...]:
    return tuple(name for name in release.TABLES if name not in tables)


def _older(missing: Sequence[str]) -> list[str]:
    return [OLDER.format(what=words.listed([WHAT[name] for name in missing]))] if missing else []
