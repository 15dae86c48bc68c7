"""Plans of a campaign: everybody decided about, each message rendered once, stored in short transactions."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from itertools import islice

from sqlalchemy import insert, update
from sqlalchemy.exc import SQLAlchemyError

from data_contracts.errors import RapportError, RefusedError, SettingsError
from messaging import audit, segments, template_versions
from messaging.addresses import read_addresses
from messaging.assets import publish
from messaging.campaigns import Campaign, Content, Library, fill_library, refuse_past_start
from messaging.campaigns.library import ASSETS
from messaging.clock import Clock, read_clock
from messaging.collector import seldom_collected
from messaging.coupons import Draw, require_list
from messaging.customers import Customers
from messaging.customers.merges import all_known
from messaging.facts import Candidate, gather, red_contracts
from messaging.links import read_links
from messaging.objections import objectors_since
from messaging.outbox import EXPIRES_AFTER_DAYS
from messaging.planner.decisions import Decision, decide_all, looked_at
from messaging.planner.grounds import Company, Ground, Templates, company_of
from messaging.planner.half_plans import clear_half_plan, clear_half_plans
from messaging.planner.history import held_since, written_since
from messaging.planner.outlooks import unpriced
from messaging.planner.samples import Sampler
from messaging.planner.steps import Steps
from messaging.planner.storing import store_decisions
from messaging.planner.views import Rehearsal, RunSummary, ShownMessage
from messaging.policy import SendFacts, read_limits
from messaging.quiet_hours import installed_rules
from messaging.segments import Members
from messaging.segments.lists import read_lists
from messaging.settings import Settings
from messaging.store import Store, open_store
from messaging.store.ids import new_id
from messaging.store.tables import campaign_runs

EVERYBODY = "SELECT count(*) AS people FROM c360.customer_360"
BATCH = 2000  # rows a transaction, so that a STOP never waits long behind a plan
SHOWN = 1000  # people in the plan of a campaign that goes by its trigger
Progress = Callable[[float], None]


class Planner(Steps):
    """Takes campaigns from a file to queued messages; build it with `build_planner`."""

    def plan(
        self,
        campaign: str,
        actor: str,
        progress: Progress | None = None,
        *,
        run_id: str | None = None,
        wall: datetime | None = None,
    ) -> RunSummary:
        """Decide about everybody whom the campaign's segment matches, and render each message once.

        Nothing goes before `approve` and `launch`. `progress` is told how many people were done since then. Each message
        waits for the time `wall` by its reader's own clock, where one is given; `run_id` is the run's id, else a new one.
        Raises SegmentError, TemplateError or CampaignError; a plan that broke off is none.
        """
        content = self._content(campaign)
        if run_id is None:  # a person plans it; a schedule does when its start has come
            self._refuse_past_start(content)
        clear_half_plans(self.store, self.clock.now())
        ground, people, version, notices = self._prepare(content, run_id or new_id("run"))
        publish(self.library.folder / ASSETS, self.settings.assets_dir, content.document.get("assets", {}))
        coupons = self._coupons(ground)
        ground = replace(ground, wall=wall, coupon_for=coupons.code_for if coupons else ground.coupon_for)
        sampler = Sampler()
        decisions = sampler.watch(self._decide(ground, people, progress))
        try:
            with seldom_collected():
                nameless = self._store_plan(ground, version, actor, decisions, coupons)
        except BaseException:
            with suppress(
                RapportError, SQLAlchemyError
            ):  # what failed is told; this is cleared by a later plan then
                clear_half_plan(self.store, ground.run_id, ground.now)
            raise
        finally:
            if coupons:
                coupons.release()
        summary = self._summary(ground.run_id, notices, nameless)
        if content.message_class == "marketing" and (late := _too_slow(content.campaign, summary.to_send)):
            summary = replace(summary, notices=(*summary.notices, late))
        if nobody := _nobody(summary):
            summary = replace(summary, notices=(*summary.notices, nobody))
        return replace(summary, warnings=sampler.warnings(), samples=sampler.samples(people.pick))

    def _refuse_past_start(self, content: Content) -> None:
        text = content.document["campaign"]["text"]
        refuse_past_start(content.campaign, text, self.clock.now(), self.settings.time_zone)

    def decided(self, campaign: str, run_id: str) -> tuple[Ground, str, Iterator[Decision]]:
        """Decide about everybody as a plan would, and store nothing: the ground, the release's version, each decision.

        Raises as `plan` does.
        """
        ground, people, version, _ = self._prepare(self._content(campaign), run_id)
        return ground, version, self._decide(ground, people, None)

    def rehearse(self, campaign: str, number: int = 3) -> Rehearsal:
        """Render a campaign for a few people as they would get it; store and send nothing."""
        content = self._content(campaign)
        ground, people, _, _ = self._prepare(content, new_id("run"))
        decisions = list(self._decide(ground, people, None))
        sends = [each for each in decisions if each.message is not None]
        every = max(len(sends) // max(number, 1), 1)  # some from all over, not the first ones
        shown = sends[::every][:number]
        theirs = people.pick([each.customer_id for each in shown])
        names = {person["customer_id"]: person["display_name"] for person in theirs}
        return Rehearsal(
            campaign=campaign,
            matched=len(decisions),
            would_send=len(sends),
            would_hold_out=sum(each.decided == "holdout" for each in decisions),
            excluded=dict(Counter(each.reason or "" for each in decisions if each.decided == "excluded")),
            messages=tuple(_shown(each, names) for each in shown),
        )

    def _prepare(self, content: Content, run_id: str) -> tuple[Ground, Members, str, list[str]]:
        """Read everybody of the segment and all that their decisions stand on."""
        company, notices = self.company(content)
        templates = content.compiled(self.library.contract)
        with self.customers.reader.snapshot() as snapshot, self.store.read() as connection:
            version = snapshot.info.version
            known = all_known(snapshot, connection)
            all_ids = known.people
            objectors = objectors_since(connection, all_ids, snapshot.info.as_of)
            lists = read_lists(connection, content.segment, known)
            people = segments.members(
                snapshot, content.segment, objectors, lists, looked_at(content.campaign, templates)
            )
            if len(people) > 1 and len(people) == snapshot.rows(EVERYBODY)[0]["people"]:
                notices.append(f"The segment matches everybody whom we know: {len(people):,} people.")
        if content.campaign.trigger is not None and len(people) > SHOWN:
            notices.append(
                f"The segment has {len(people):,} people; this plan shows {SHOWN:,} of them, as nobody is written to before"
                " something triggers it."
            )
            people = people.some(SHOWN)
        notices += unpriced(content.campaign, read_limits(self.settings))
        now = self.clock.now()
        with self.store.read() as connection:
            if red := red_contracts(connection, content.campaign.stands_on):
                notices.append(
                    f"The data of {', '.join(red)} failed its checks: messages wait until it passes."
                )
            written = written_since(connection, content.campaign, now)
            held = held_since(connection, content.campaign, now)
        ground = self.ground(run_id, content, templates, company, now)
        ground = replace(ground, already_written=written, already_held=held, all_ids=all_ids)
        return ground, people, version, notices

    def ground(
        self,
        run_id: str,
        content: Content,
        templates: Templates,
        company: Company,
        now: datetime,
    ) -> Ground:
        """Give what the decisions of a run stand on, but for what is known of people."""
        return Ground(
            run_id=run_id,
            content=content,
            templates=templates,
            company=company,
            addresses=self.addresses,
            links=self.links,
            rules=installed_rules(self.settings.home),
            now=now,
            already_written={},
            all_ids={},
        )

    def _coupons(self, ground: Ground) -> Draw | None:
        """Give what draws the campaign's coupons, where it has some. Raises NotFoundError."""
        campaign = ground.content.campaign
        if campaign.coupon is None:
            return None
        with self.store.read() as connection:
            require_list(connection, campaign.coupon)
        return Draw(self.store, campaign.coupon, ground.run_id, campaign.name, ground.now)

    def company(self, content: Content) -> tuple[Company, list[str]]:
        """Give what messages say of their sender, and what is amiss with it. Raises SettingsError where none may go so."""
        settings, notices = self.settings, []
        mails_marketing = (
            content.message_class == "marketing" and "email" in content.templates[content.campaign.template]
        )
        if mails_marketing and not settings.company_address:
            told = "RAPPORT_COMPANY_ADDRESS is empty, but marketing by e-mail has to carry a postal address."
            if settings.sending == "live":
                raise SettingsError(told, "Set it to the company's address.")
            notices.append(told)
        return company_of(settings), notices

    def _decide(self, ground: Ground, people: Members, progress: Progress | None) -> Iterator[Decision]:
        limits = read_limits(self.settings)

        def facts_of(asked: Sequence[Candidate]) -> Mapping[str, SendFacts]:
            with self.store.read() as connection:
                return gather(connection, asked, ground.now, limits)

        for number, decision in enumerate(decide_all(ground, people, facts_of), 1):
            yield decision
            if progress and (number % 100 == 0 or number == len(people)):
                progress(number % 100 or 100)

    def _store_plan(
        self, ground: Ground, version: str, actor: str, decisions: Iterator[Decision], coupons: Draw | None
    ) -> int:
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
                store_decisions(connection, ground.run_id, batch, now)
                if coupons:
                    coupons.keep(connection, {each.customer_id for each in batch if each.message})
            matched += len(batch)
            nameless += sum("given_name" in each.missing for each in batch if each.decided == "send")
        with self.store.write() as connection:
            this = (campaign_runs.c.run_id == ground.run_id) & (campaign_runs.c.state == "planning")
            if not connection.execute(update(campaign_runs).where(this).values(state="planned")).rowcount:
                raise RefusedError(
                    f"Run {ground.run_id} was stopped while it was planned.",
                    "Another process goes on with it.",
                )
            audit.record(connection, actor, "campaign.plan", ground.run_id, {"matched": matched}, at=now)
        return nameless


def _too_slow(campaign: Campaign, to_send: int) -> str | None:
    """Say that a campaign's pace lets some of its messages grow too old to go."""
    days = campaign.expires_after_days or EXPIRES_AFTER_DAYS
    if campaign.per_hour is None or to_send <= campaign.per_hour * 24 * days:
        return None
    hours = math.ceil(to_send / campaign.per_hour)
    return (
        f"At {campaign.per_hour:,} an hour the last of {to_send:,} would go after {hours:,} hours; what has not gone"
        f" {days} days after this plan expires."
    )


def _nobody(summary: RunSummary) -> str | None:
    """Say that a plan writes to nobody, and why it looks so."""
    if summary.to_send:
        return None
    if not summary.matched:
        return "The segment matches nobody, so there is nothing to send."
    if summary.held_out:
        return f"Of {summary.matched:,} who match nobody is to get a message, so there is nothing to send."
    return f"Of {summary.matched:,} who match nobody may be written to, so there is nothing to send."


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
