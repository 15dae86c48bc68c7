"""The steps of a planned run: approved, launched, paused, resumed, stopped; each checked, and recorded."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update

from data_contracts.errors import LibraryError, NotFoundError, RefusedError
from messaging import audit, segments
from messaging.campaigns import Campaign, Content, read_content
from messaging.coupons import gone_elsewhere
from messaging.customers.merges import Known
from messaging.deliverability import let_go_on, standing_halts
from messaging.facts import red_contracts
from messaging.outbox import cancel_run, queue_run, void_turns
from messaging.planner.approvals import add_approval, approvers, same, wanted
from messaging.planner.history import had_it_since
from messaging.planner.outlooks import matched_in, moved
from messaging.planner.parts import Parts
from messaging.planner.reports import read_run
from messaging.planner.storing import time_again
from messaging.planner.triggered import close_runs, refuse_triggered
from messaging.planner.views import RunSummary
from messaging.segments.lists import read_lists
from messaging.store.locks import lock
from messaging.store.tables import campaign_runs, messages

STALE = timedelta(days=7)  # an older plan knows too little of who may be written to today


class Steps(Parts):
    """Takes a planned run on, one step at a time."""

    def approve(self, run_id: str, actor: str) -> RunSummary:
        """Approve a planned run as `actor`: exactly the content that was planned.

        It is approved once as many people did so as its campaign and the installation ask for; until then it stays
        planned, and a notice says who is still wanted. Raises RefusedError when it is not planned, its files have
        changed since, or the actor may not approve it.
        """
        run = self.run(run_id)
        self.refuse_changed(run)
        own = same(run.planned_by) == same(actor)
        notices = ["You approved your own plan; a second pair of eyes is better."] if own else []
        now = self.clock.now()
        refuse_stale(run, now)
        content = read_content(run.content, self.library.contract)
        refuse_triggered(content.campaign)
        with self.store.write() as connection:
            lock(connection, [f"campaign:{run.campaign}"])
            refuse_other_state(read_run(connection, run_id), "planned")
            needed = wanted(connection, run, content, self.settings)
            given = add_approval(connection, run, actor, needed, now)
            if missing := needed.missing(given):
                notices.append(missing)
                detail = {"campaign": run.campaign, "wanted": needed.people}
                audit.record(connection, actor, "campaign.approval", run_id, detail, at=now)
            else:
                names = ", ".join(given)
                step(connection, run, "planned", "approved", actor, now, approved_at=now, approved_by=names)
        return self._summary(run_id, notices)

    def refuse_changed(self, run: Row[Any]) -> None:
        """Raise RefusedError where the files of a run's campaign are others than those that were planned."""
        try:
            now_hash = self._content(run.campaign).hash
        except (NotFoundError, LibraryError):
            now_hash = ""
        if now_hash != run.content_hash:
            raise RefusedError(
                f"The files of campaign {run.campaign!r} have changed since run {run.run_id} was planned.",
                f"Run `rapport campaign plan {run.campaign}` again, look at it, and approve that.",
            )

    def launch(self, run_id: str, actor: str) -> RunSummary:
        """Let the messages of an approved run go.

        Raises RefusedError while the campaign already runs, or when the plan no longer holds: it is old, the segment has
        become another, the data is old or failed its checks, or some of its people had the campaign by another run since.
        """
        run, now = self.run(run_id), self.clock.now()
        content = read_content(run.content, self.library.contract)
        campaign = content.campaign
        refuse_shadow(campaign)
        refuse_triggered(campaign)
        known = Known()
        if run.state == "approved":
            refuse_stale(run, now)
            known = self._refuse_other_data(run, content, now)
        with self.store.write() as connection:
            lock(connection, [f"campaign:{run.campaign}"])
            if run.state == "approved":
                needed = wanted(connection, run, content, self.settings)
                if missing := needed.missing(approvers(connection, run_id)):  # the rule became stricter since
                    raise RefusedError(
                        f"Run {run_id} of campaign {run.campaign!r} is not approved by as many as it takes."
                        f" {missing}",
                        f"Run `rapport campaign plan {run.campaign}` again, and have it approved.",
                    )
                if not needed.to_send:
                    raise RefusedError(
                        f"Run {run_id} of campaign {run.campaign!r} writes to nobody, so there is nothing to send.",
                        f"See why with `rapport campaign report {run.campaign}`.",
                    )
            others = select(campaign_runs.c.run_id).where(
                campaign_runs.c.campaign == run.campaign, campaign_runs.c.state.in_(("running", "paused"))
            )
            if other := connection.execute(others).scalar():
                raise RefusedError(
                    f"Campaign {run.campaign!r} is under way already, as run {other}.",
                    "Stop it or let it finish.",
                )
            refuse_other_state(run, "approved")  # one approved this very moment was not looked at above
            if number := had_it_since(connection, run_id, campaign, now, known.people):
                raise RefusedError(
                    f"{number} of the people in run {run_id} had campaign {run.campaign!r} since it was planned.",
                    f"Run `rapport campaign plan {run.campaign}` again, which leaves them out.",
                )
            if number := gone_elsewhere(connection, run_id):
                raise RefusedError(
                    f"{number} of the coupons in run {run_id} went with another run of campaign {run.campaign!r}.",
                    f"Run `rapport campaign plan {run.campaign}` again, which draws others.",
                )
            step(connection, run, "approved", "running", actor, now, launched_at=now)
            queue_run(connection, run_id, now)
            if campaign.at_usual_hour:
                time_again(connection, run_id, now)
        return self._summary(run_id, ())

    def pause(self, run_id: str, actor: str) -> RunSummary:
        """Hold back what has not gone yet."""
        return self._move(run_id, "running", "paused", actor)

    def resume(self, run_id: str, actor: str, anyway: str | None = None) -> RunSummary:
        """Let a paused run go on; `anyway` is the reason, which is audited, why one of an old plan shall, or a harmful one.

        Raises RefusedError where the plan is as old as none is launched, or the run was paused by itself. Marketing that
        has expired stays skipped.
        """
        run, now = self.run(run_id), self.clock.now()
        if run.state == "paused" and anyway is None:
            self._refuse_harmful(run)
            if run.opened_by is None:  # else each message is as old as itself
                refuse_stale(
                    run, now, "Plan it again; or resume it with --anyway and the reason, which is audited."
                )
        with self.store.write() as connection:
            step(connection, run, "paused", "running", actor, now)
            void_turns(connection, run_id, now)
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
        run, now = self.run(run_id), self.clock.now()
        if run.state not in {"planned", "approved", "running", "paused"}:
            raise RefusedError(f"Run {run_id} is {run.state}, so there is nothing to stop.", "")
        with self.store.write() as connection:
            step(connection, run, run.state, "stopped", actor, now, finished_at=now)
            close_runs(connection, campaign_runs.c.run_id == run_id, now, "Its run was stopped.")
            cancel_run(connection, run_id, now)
        return self._summary(run_id, ())

    def _refuse_other_data(self, run: Row[Any], content: Content, now: datetime) -> Known:
        """Refuse a launch upon data that is old or red, or that makes another audience of the segment than was approved.

        Gives what the release knows of ids.
        """
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
            known = self.customers.merged(snapshot, connection)
            if run.release_version == snapshot.info.version:
                return known
            _refuse_merged(connection, run, known)
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
        return known

    def _move(self, run_id: str, source: str, target: str, actor: str) -> RunSummary:
        run = self.run(run_id)
        with self.store.write() as connection:
            step(connection, run, source, target, actor, self.clock.now())
        return self._summary(run_id, ())


def step(  # noqa: PLR0913, PLR0917 - one step of one run
    connection: Connection, run: Row[Any], source: str, target: str, actor: str, now: datetime, **values: Any
) -> None:
    """Move a run from one state to the next, if nobody else moved it first."""
    this = (campaign_runs.c.run_id == run.run_id) & (campaign_runs.c.state == source)
    if not connection.execute(update(campaign_runs).where(this).values(state=target, **values)).rowcount:
        raise _other_state(run, source)
    detail = {"campaign": run.campaign}
    audit.record(connection, actor, f"campaign.{target}", run.run_id, detail, at=now)


def refuse_shadow(campaign: Campaign) -> None:
    """Refuse to send what was planned in shadow mode; a file that says so no more is another content, and another plan."""
    if campaign.shadow:
        raise RefusedError(
            f"Campaign {campaign.name!r} is in shadow mode: it is planned day after day, and sends nothing.",
            f"Take `shadow: true` out of its file, run `rapport campaign plan {campaign.name}`, and have that approved.",
        )


def _refuse_merged(connection: Connection, run: Row[Any], known: Known) -> None:
    """Refuse to write twice to those who became one since the plan."""
    ours = select(messages.c.customer_id).where(messages.c.run_id == run.run_id)
    ids: list[str] = list(connection.execute(ours).scalars())
    if twice := len(ids) - len({known.current(each) for each in ids}):
        raise RefusedError(
            f"{twice} of the people in run {run.run_id} turned out since it was planned to be somebody else in it,"
            " who would get it twice.",
            f"Run `rapport campaign plan {run.campaign}` again, which writes to them once.",
        )


def refuse_other_state(run: Row[Any], needed: str) -> None:
    """Raise RefusedError where a run is in another state than a step needs."""
    if run.state != needed:
        raise _other_state(run, needed)


def _other_state(run: Row[Any], needed: str) -> RefusedError:
    return RefusedError(
        f"Run {run.run_id} of campaign {run.campaign!r} is {run.state}; this needs one that is {needed}.",
        "See `rapport campaign list`.",
    )


def refuse_stale(run: Row[Any], now: datetime, instead: str = "Plan it again.") -> None:
    """Raise RefusedError where a plan is too old to act upon."""
    if now - run.planned_at > STALE:
        raise RefusedError(f"Run {run.run_id} was planned more than {STALE.days} days ago.", instead)
