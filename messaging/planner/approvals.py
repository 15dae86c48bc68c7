"""Who has to approve a run, who did, and who is still wanted. An approval is a person's, never a file's."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from data_contracts.errors import RefusedError
from data_contracts.model import Contract
from messaging.audit import newest
from messaging.campaigns import ApprovalRule, Content, read_content
from messaging.planner.reports import read_run
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import campaign_runs, run_audience
from messaging.store.tables_limits import campaign_approvals
from messaging.template_versions import text_hash

MOST_EDITS = 100  # of one file
PROGRAMS = frozenset({"app", "rapport"})  # who acts where nobody said who they are


@dataclass(frozen=True)
class Wanted:
    """How many people have to approve a run, and who of them wrote or planned it: one at least has to be another."""

    people: int
    authors: frozenset[str]  # by `same`; empty where authors may approve by themselves
    to_send: int
    named: bool = False  # whether a program's name approves nothing

    def missing(self, approvers: Sequence[str]) -> str | None:
        """Say in a sentence who is still wanted beside `approvers`, or None where they are enough."""
        persons = {same(each) for each in approvers} - (PROGRAMS if self.named else set())
        short = self.people - len(persons)
        others_only = bool(self.authors) and not persons - self.authors
        if short <= 0 and not others_only:
            return None
        number = "Two more people have" if short > 1 else "One more person has"
        why = f": {self.to_send:,} would get a message" if self.people > 1 else ""
        beside = f", beside {', '.join(approvers)}" if approvers else ""
        than = " One who neither planned nor wrote it has to be among them." if others_only else ""
        return f"{number} to approve it{beside}{why}.{than}"


@dataclass(frozen=True)
class Approvals:
    """Who approved a run so far, the first one first, and in a sentence who is still wanted.

    `missing` is None where nobody is, and where the word of any one person is enough.
    """

    names: tuple[str, ...]
    missing: str | None


def approvals_of(store: Store, run_id: str, contract: Contract, settings: Settings) -> Approvals:
    """Say how far the approval of a run is, by the rule that it was planned with. Raises NotFoundError."""
    with store.read() as connection:
        run = read_run(connection, run_id)
        names = approvers(connection, run_id)
        needed = wanted(connection, run, read_content(run.content, contract), settings)
    anybody = not names and needed.people == 1 and not needed.authors
    return Approvals(tuple(names), None if anybody else needed.missing(names))


def same(name: str) -> str:
    """Give a name as it is compared: the same person with another case or with spaces around is no second one."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def wanted(connection: Connection, run: Row[Any], content: Content, settings: Settings) -> Wanted:
    """Say who has to approve a run: a campaign may ask for more people than the installation, never for fewer."""
    here = (run_audience.c.run_id == run.run_id) & (run_audience.c.decision == "send")
    to_send = connection.execute(select(func.count()).where(here)).scalar_one()
    people, authors = content.campaign.approval.wanted(to_send), frozenset[str]()
    if settings.roles == "on":
        people = max(people, ApprovalRule(1, settings.second_approval_above).wanted(to_send))
        authors = frozenset(map(same, (run.planned_by, *_wrote(connection, run, content))))
    return Wanted(people, authors, to_send, named=settings.roles == "on")


def approvers(connection: Connection, run_id: str) -> list[str]:
    """Name who approved a run, the first one first."""
    table = campaign_approvals.c
    rows = select(table.approved_by).where(table.run_id == run_id).order_by(table.approved_at, table.person)
    return list(connection.execute(rows).scalars())


def add_approval(
    connection: Connection, run: Row[Any], actor: str, needed: Wanted, now: datetime
) -> list[str]:
    """Keep that somebody approved a run; give everybody who did.

    Raises RefusedError where it is nobody, did so already, or wrote it and nobody else is asked.
    """
    before = approvers(connection, run.run_id)
    person = refuse_approver(run, actor, before, needed)
    row = {"run_id": run.run_id, "person": person, "approved_by": actor, "approved_at": now}
    connection.execute(insert(campaign_approvals).values(row))
    return [*before, actor]


def refuse_approver(run: Row[Any], actor: str, before: Sequence[str], needed: Wanted) -> str:
    """Give the name that an approval is kept under; raises RefusedError where this one may not approve beside `before`."""
    person = same(actor)
    if not person or (needed.named and person in PROGRAMS):
        raise RefusedError(
            f"{actor!r} names no person, and a person has to approve run {run.run_id}.",
            "Approve it with --actor and your name.",
        )
    if person in map(same, before):
        raise RefusedError(
            f"{actor} has approved run {run.run_id} already.", needed.missing(before) or "Launch it."
        )
    if person in needed.authors and needed.people == 1:
        raise RefusedError(
            f"{actor} planned or wrote what run {run.run_id} says, and cannot approve it alone.",
            "Ask somebody else to look at it, and to approve it by their own name.",
        )
    return person


def _wrote(connection: Connection, run: Row[Any], content: Content) -> list[str]:
    """Name who planned that content first, and who wrote its campaign or wrote or took back a text, as far as we know."""
    table = campaign_runs.c
    rows = select(table.planned_by).where(table.content_hash == run.content_hash)
    found = list(connection.execute(rows.order_by(table.planned_at, table.run_id).limit(1)).scalars())
    written = text_hash(content.document["campaign"]["text"])
    saves = newest(connection, MOST_EDITS, action="campaign.save", subject=content.campaign.name)
    found += [each["actor"] for each in saves if (each["detail"] or {}).get("hash") == written]
    for name, by_channel in content.texts.items():
        says = {text_hash(text) for by_language in by_channel.values() for text in by_language.values()}
        for action in ("template.save", "template.rollback"):
            edits = newest(connection, MOST_EDITS, action=action, subject=name)
            found += [each["actor"] for each in edits if (each["detail"] or {}).get("hash") in says]
    return found
