"""Runs of a campaign: planned, approved, launched, paused, resumed, stopped; each step checked, recorded."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from data_contracts.errors import NotFoundError, RefusedError, SettingsError
from messaging import audit, segments, template_versions
from messaging.addresses import Addresses, read_addresses
from messaging.campaigns import Content, Library, fill_library, read_content
from messaging.clock import Clock, read_clock
from messaging.customers import Customers
from messaging.customers.merges import all_known
from messaging.deliverability import let_go_on, standing_halts
from messaging.facts import Candidate, gather, red_contracts
from messaging.links import Links, read_links
from messaging.objections import objectors_since
from messaging.outbox import cancel_run, insert_planned, queue_run
from messaging.planner.decisions import Company, Decision, Ground, decide_all
from messaging.planner.history import had_it_since, written_since
from messaging.planner.outlooks import matched_in, moved
from messaging.planner.reports import read_run, summarise
from messaging.planner.views import Rehearsal, RunSummary, ShownMessage, SumsDoNotCloseError
from messaging.policy import SendFacts, read_limits
from messaging.quiet_hours import installed_rules
from messaging.segments.lists import read_lists, versions
from messaging.settings import Settings
from messaging.store import Store, open_store
from messaging.store.ids import new_id
from messaging.store.locks import lock
from messaging.store.tables import campaign_runs, messages, run_audience

BATCH = 2000  # rows a transaction, so that a STOP never waits long behind a plan
STALE = timedelta(days=7)  # an older plan knows too little of who may be written to today
Progress = Callable[[float], None]


@dataclass(frozen=True)
class Planner:
    """Takes campaigns from a file to queued messages; build it with `build_planner`."""

    settings: Settings
    store: Store
    customers: Customers
    library: Library
    addresses: Addresses
    links: Links
    clock: Clock

    def plan(self, campaign: str, actor: str, progress: Progress | None = None) -> RunSummary:
        """Decide about everybody whom the campaign's segment matches, and render each message once.

        Nothing goes before `approve` and `launch`. `progress` is told how many people were done since then.
        Raises SegmentError, TemplateError or CampaignError; a plan that broke off is none.
        """
        content = self._content(campaign)
        ground, people, version, notices = self._prepare(content, new_id("run"))
        nameless = self._store_plan(ground, version, actor, self._decide(ground, people, progress))
        return self._summary(ground.run_id, notices, nameless)

    def rehearse(self, campaign: str, number: int = 3) -> Rehearsal:
        """Render a campaign for a few people as they would get it; store and send nothing."""
        content = self._content(campaign)
        ground, people, _, _ = self._prepare(content, new_id("run"))
        decisions = list(self._decide(ground, people, None))
        names = {person["customer_id"]: person["display_name"] for person in people}
        sends = [each for each in decisions if each.message is not None]
        every = max(len(sends) // max(number, 1), 1)  # some from all over, not the first ones
        return Rehearsal(
            campaign=campaign,
            matched=len(decisions),
            would_send=len(sends),
            would_hold_out=sum(each.decided == "holdout" for each in decisions),
            excluded=dict(Counter(each.reason or "" for each in decisions if each.decided == "excluded")),
            messages=tuple(_shown(each, names) for each in sends[::every][:number]),
        )

    def approve(self, run_id: str, actor: str) -> RunSummary:
        """Approve a planned run: exactly the content that was planned.

        Raises RefusedError when it is not planned, or its files have changed since.
        """
        run = self._run(run_id)
        try:
            now_hash = self._content(run.campaign).hash
        except NotFoundError:
            now_hash = ""
        if now_hash != run.content_hash:
            raise RefusedError(
                f"The files of campaign {run.campaign!r} have changed since run {run_id} was planned.",
                f"Run `rapport campaign plan {run.campaign}` again, look at it, and approve that.",
            )
        notices = (
            ["You approved your own plan; a second pair of eyes is better."]
            if run.planned_by == actor
            else []
        )
        now = self.clock.now()
        _refuse_stale(run, now)
        with self.store.write() as connection:
            _step(connection, run, "planned", "approved", actor, now, approved_at=now, approved_by=actor)
        return self._summary(run_id, notices)

    def launch(self, run_id: str, actor: str) -> RunSummary:
        """Let the messages of an approved run go.

        Raises RefusedError while the campaign already runs, or when the plan no longer holds: it is old, the segment has
        become another, the data is old or failed its checks, or some of its people had the campaign by another run since.
        """
        run, now = self._run(run_id), self.clock.now()
        content = read_content(run.content, self.library.contract)
        campaign = content.campaign
        if run.state == "approved":
            _refuse_stale(run, now)
            self._refuse_other_data(run, content, now)
        with self.store.write() as connection:
            lock(connection, [f"campaign:{run.campaign}"])
            others = select(campaign_runs.c.run_id).where(
                campaign_runs.c.campaign == run.campaign, campaign_runs.c.state.in_(("running", "paused"))
            )
            if other := connection.execute(others).scalar():
                raise RefusedError(
                    f"Campaign {run.campaign!r} is under way already, as run {other}.",
                    "Stop it or let it finish.",
                )
            if number := had_it_since(connection, run_id, campaign, now):
                raise RefusedError(
                    f"{number} of the people in run {run_id} had campaign {run.campaign!r} since it was planned.",
                    f"Run `rapport campaign plan {run.campaign}` again, which leaves them out.",
                )
            _step(connection, run, "approved", "running", actor, now, launched_at=now)
            queue_run(connection, run_id, now)
        return self._summary(run_id, ())

    def pause(self, run_id: str, actor: str) -> RunSummary:
        """Hold back what has not gone yet."""
        return self._move(run_id, "running", "paused", actor)

    def resume(self, run_id: str, actor: str, anyway: str | None = None) -> RunSummary:
        """Let a paused run go on; `anyway` is the reason, which is audited, why one of an old plan shall, or a harmful one.

        Raises RefusedError where the plan is as old as none is launched, or the run was paused by itself. Marketing that
        has expired stays skipped.
        """
        run, now = self._run(run_id), self.clock.now()
        if run.state == "paused" and anyway is None:
            self._refuse_harmful(run)
            _refuse_stale(
                run, now, "Plan it again; or resume it with --anyway and the reason, which is audited."
            )
        with self.store.write() as connection:
            _step(connection, run, "paused", "running", actor, now)
            if anyway is not None:
                let_go_on(connection, run_id, actor, anyway, now)
                detail = {"campaign": run.campaign, "reason": anyway}
                audit.record(connection, actor, "campaign.resume_anyway", run_id, detail, at=now)
        return self._summary(run_id, ())

    def _refuse_harmful(self, run: Row[Any]) -> None:
        with self.store.read() as connection:
            halt = standing_halts(connection, [run.run_id]).get(run.run_id)
        if halt is not None:
            raise RefusedError(
                f"Run {run.run_id} of campaign {run.campaign!r} was paused by itself: {halt.sentence}",
                "Mend its audience or its words and plan again; or resume it with --anyway and the reason for the audit.",
            )

    def stop(self, run_id: str, actor: str) -> RunSummary:
        """End a run for good and call back what has not gone yet."""
        run, now = self._run(run_id), self.clock.now()
        if run.state not in {"planned", "approved", "running", "paused"}:
            raise RefusedError(f"Run {run_id} is {run.state}, so there is nothing to stop.", "")
        with self.store.write() as connection:
            _step(connection, run, run.state, "stopped", actor, now, finished_at=now)
            cancel_run(connection, run_id, now)
        return self._summary(run_id, ())

    def run_of(self, campaign: str, run_id: str | None, *states: str) -> str:
        """Give the run that a person means: the one they name, if it is of that campaign, else the newest.

        Raises NotFoundError.
        """
        if run_id is not None and self._run(run_id).campaign != campaign:
            raise NotFoundError(
                f"Run {run_id} is none of campaign {campaign!r}.", "See `rapport campaign list`."
            )
        return run_id or self.newest_run(campaign, *states)

    def newest_run(self, campaign: str, *states: str) -> str:
        """Give the newest run of a campaign, in one of the states where some are given.

        Raises NotFoundError naming the step that comes before.
        """
        query = select(campaign_runs.c.run_id).where(campaign_runs.c.campaign == campaign)
        which = campaign_runs.c.state.in_(states) if states else campaign_runs.c.state != "planning"
        query = query.where(which)
        query = query.order_by(campaign_runs.c.planned_at.desc(), campaign_runs.c.run_id.desc()).limit(1)
        with self.store.read() as connection:
            found = connection.execute(query).scalar()
        if found is None:
            words = f" that is {' or '.join(states)}" if states else ""
            raise NotFoundError(
                f"There is no run of campaign {campaign!r}{words}.",
                f"Run `rapport campaign plan {campaign}`.",
            )
        return str(found)

    def summary(self, run_id: str) -> RunSummary:
        """Tell how a run was decided."""
        return self._summary(run_id, ())

    def _refuse_other_data(self, run: Row[Any], content: Content, now: datetime) -> None:
        """Refuse a launch upon data that is old or red, or that makes another audience of the segment than was approved."""
        campaign = content.campaign
        with self.customers.reader.snapshot() as snapshot, self.store.read() as connection:
            if red := red_contracts(connection, campaign.stands_on):
                raise RefusedError(
                    f"The data of {', '.join(red)} failed its checks.",
                    "Launch it once they pass: `rapport build`.",
                )
            if (age := now - snapshot.info.as_of) > timedelta(hours=campaign.data_hours):
                raise RefusedError(
                    f"The newest release is of {age / timedelta(hours=1):.0f} hours ago;"
                    f" campaign {run.campaign!r} may be launched upon {campaign.data_hours:g} at most.",
                    "Run `rapport build`, then plan again.",
                )
            if run.release_version == snapshot.info.version:
                return
            known = self.customers.merged(snapshot, connection)
            planned = {known.current(each) for each in matched_in(connection, run.run_id)}
            objectors = self.customers.objectors(snapshot, connection)
            lists = read_lists(connection, content.segment, known)
            today = segments.ids(snapshot, content.segment, objectors, lists)
        if (share := 100 * moved(planned, today)) > campaign.moved_percent:
            raise RefusedError(
                f"The audience of run {run.run_id} has moved by {share:.0f} % since it was planned:"
                f" {len(today - planned):,} came and {len(planned - today):,} left, of {len(planned):,}.",
                f"Run `rapport campaign plan {run.campaign}` again, look at it, and approve that.",
            )

    def _move(self, run_id: str, source: str, target: str, actor: str) -> RunSummary:
        run = self._run(run_id)
        with self.store.write() as connection:
            _step(connection, run, source, target, actor, self.clock.now())
        return self._summary(run_id, ())

    def _run(self, run_id: str) -> Row[Any]:
        with self.store.read() as connection:
            return read_run(connection, run_id)

    def _content(self, campaign: str) -> Content:
        """Read a campaign's files, and which lists its segment stands on."""
        content = self.library.content(campaign)
        with self.store.read() as connection:
            return content.with_lists(versions(connection, content.segment))

    def _prepare(self, content: Content, run_id: str) -> tuple[Ground, list[dict[str, Any]], str, list[str]]:
        """Read everybody of the segment and all that their decisions stand on."""
        company, notices = self._company(content)
        templates = content.compiled(self.library.contract)
        with self.customers.reader.snapshot() as snapshot, self.store.read() as connection:
            version = snapshot.info.version
            known = all_known(snapshot, connection)
            all_ids = known.people
            objectors = objectors_since(connection, all_ids, snapshot.info.as_of)
            lists = read_lists(connection, content.segment, known)
            people = segments.members(snapshot, content.segment, objectors, lists)
        now = self.clock.now()
        with self.store.read() as connection:
            if red := red_contracts(connection, content.campaign.stands_on):
                notices.append(
                    f"The data of {', '.join(red)} failed its checks: messages wait until it passes."
                )
            written = written_since(connection, content.campaign, now)
        ground = Ground(
            run_id=run_id,
            content=content,
            templates=templates,
            company=company,
            addresses=self.addresses,
            links=self.links,
            rules=installed_rules(self.settings.home),
            now=now,
            already_written=written,
            all_ids=all_ids,
        )
        return ground, people, version, notices

    def _company(self, content: Content) -> tuple[Company, list[str]]:
        settings, notices = self.settings, []
        mails_marketing = (
            content.message_class == "marketing" and "email" in content.templates[content.campaign.template]
        )
        if mails_marketing and not settings.company_address:
            told = "RAPPORT_COMPANY_ADDRESS is empty, but marketing by e-mail has to carry a postal address."
            if settings.sending == "live":
                raise SettingsError(told, "Set it to the company's address.")
            notices.append(told)
        company = Company(
            settings.company_name, settings.company_address, settings.currency, settings.time_zone
        )
        return company, notices

    def _decide(
        self, ground: Ground, people: Sequence[Mapping[str, Any]], progress: Progress | None
    ) -> Iterator[Decision]:
        limits = read_limits(self.settings)

        def facts_of(asked: Sequence[Candidate]) -> Mapping[str, SendFacts]:
            with self.store.read() as connection:
                return gather(connection, asked, ground.now, limits)

        for number, decision in enumerate(decide_all(ground, people, facts_of), 1):
            yield decision
            if progress and (number % 100 == 0 or number == len(people)):
                progress(number % 100 or 100)

    def _store_plan(self, ground: Ground, version: str, actor: str, decisions: Iterator[Decision]) -> int:
        """Store a plan in short transactions; it is `planning`, and so nothing yet, until the last one.

        Rendered messages are only held a batch at a time. Gives how many are to be greeted without a name.
        """
        now = ground.now
        run = {
            "run_id": ground.run_id,
            "campaign": ground.content.campaign.name,
            "content_hash": ground.content.hash,
            "content": ground.content.document,
            "release_version": version,
            "state": "planning",
            "planned_at": now,
            "planned_by": actor,
        }
        with self.store.write() as connection:
            connection.execute(insert(campaign_runs).values(run))
            for name, texts in ground.content.texts.items():
                template_versions.keep(
                    connection, name, template_versions.files_of(name, texts), now, actor, "plan"
                )
        matched = nameless = 0
        while batch := list(islice(decisions, BATCH)):
            with self.store.write() as connection:
                _insert_decisions(connection, ground.run_id, batch, now)
            matched += len(batch)
            nameless += sum("given_name" in each.missing for each in batch if each.decided == "send")
        with self.store.write() as connection:
            this = campaign_runs.c.run_id == ground.run_id
            connection.execute(update(campaign_runs).where(this).values(state="planned"))
            audit.record(connection, actor, "campaign.plan", ground.run_id, {"matched": matched}, at=now)
        return nameless

    def _summary(self, run_id: str, notices: Sequence[str], nameless: int | None = None) -> RunSummary:
        with self.store.read() as connection:
            return summarise(connection, run_id, notices, nameless)


def build_planner(settings: Settings, clock: Clock | None = None, store: Store | None = None) -> Planner:
    """Build a planner from settings; the library is filled where it is empty."""
    opened = store or open_store(settings)
    fill_library(settings)
    return Planner(
        settings=settings,
        store=opened,
        customers=Customers(settings, opened),
        library=Library(settings.library_dir),
        addresses=read_addresses(settings, opened),
        links=read_links(settings),
        clock=clock or read_clock(settings.home),
    )


def _step(  # noqa: PLR0913, PLR0917 - one step of one run
    connection: Connection, run: Row[Any], source: str, target: str, actor: str, now: datetime, **values: Any
) -> None:
    """Move a run from one state to the next, if nobody else moved it first."""
    this = (campaign_runs.c.run_id == run.run_id) & (campaign_runs.c.state == source)
    if not connection.execute(update(campaign_runs).where(this).values(state=target, **values)).rowcount:
        raise RefusedError(
            f"Run {run.run_id} of campaign {run.campaign!r} is {run.state}; this needs one that is {source}.",
            "See `rapport campaign list`.",
        )
    detail = {"campaign": run.campaign}
    audit.record(connection, actor, f"campaign.{target}", run.run_id, detail, at=now)


def _insert_decisions(
    connection: Connection, run_id: str, decisions: Sequence[Decision], now: datetime
) -> None:
    rows = [
        {
            "run_id": run_id,
            "customer_id": each.customer_id,
            "decision": each.decided,
            "reason": each.reason,
            "detail": each.detail,
            "channel": each.channel,
            "variant": each.variant,
            "language": each.language,
        }
        for each in decisions
    ]
    connection.execute(insert(run_audience), rows)
    planned = [each.message for each in decisions if each.message is not None]
    stored = insert_planned(connection, planned, now)
    if stored != len(planned):
        raise SumsDoNotCloseError(
            f"{len(planned)} messages were planned but {stored} stored in run {run_id}."
        )
    waits = [
        {"this": each.message.message_id, "until": each.waits_until}
        for each in decisions
        if each.message is not None and each.waits_until is not None
    ]
    if waits:
        connection.execute(
            update(messages)
            .where(messages.c.message_id == bindparam("this"))
            .values(send_after=bindparam("until")),
            waits,
        )


def _refuse_stale(run: Row[Any], now: datetime, instead: str = "Plan it again.") -> None:
    if now - run.planned_at > STALE:
        raise RefusedError(f"Run {run.run_id} was planned more than {STALE.days} days ago.", instead)


def _shown(decision: Decision, names: Mapping[str, str | None]) -> ShownMessage:
    message = decision.message
    assert message is not None
    return ShownMessage(
        message_id=None,
        customer_id=decision.customer_id,
        display_name=names.get(decision.customer_id),
        channel=message.channel,
        language=decision.language,
        subject=message.subject,
        body=message.body,
        html=message.html,
        segment_count=message.segment_count,
        remarks=tuple(f"{name} is not known" for name in decision.missing),
    )
