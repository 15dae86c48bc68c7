"""The demo: a sample company walks the whole way once, and the story is told one line a stage.

Nothing here is staged for show. The files are the vendors' own shapes, the build is the one that the
schedule runs, the messages go through the real Twilio and SMTP clients over the network to the local sandbox,
and what comes back arrives as signed webhooks.
"""

import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import func, select

from data_contracts.contracts import load_contract
from data_contracts.errors import ServiceError
from messaging.clock import Clock, pin_clock
from messaging.customers import Customers
from messaging.customers.merges import Merges
from messaging.dispatch import dispatch_once
from messaging.outbox import PlannedMessage, insert_planned
from messaging.planner import Planner, ShownMessage, build_planner, lift, report, ugliest, why_message
from messaging.sandbox.server import RunningSandbox
from messaging.sandbox.server import running as running_sandbox
from messaging.sandbox.settings import settings_for
from messaging.senders.build import build_senders
from messaging.settings import Settings, read_settings
from messaging.store import Store, open_store
from messaging.store.ids import new_id
from messaging.store.tables import attempts, inbound_messages, messages
from messaging.webhooks.server import running as running_webhooks
from pipelines.landing.quarantine import list_quarantine, show_quarantine
from pipelines.samples.card import Bubble, Campaign, Card, Outcome, People, Rows, Stop
from pipelines.samples.shapes import write_company
from pipelines.samples.truth import cast_document, write_truth
from pipelines.samples.world import World, make_world
from pipelines.sources.intake import ingest
from pipelines.warehouse.connection import open_warehouse

CAMPAIGN = "win_back"
ACTOR = "demo"
STOP_WORD = "STOP"
LATER = timedelta(minutes=30)  # between the sending and the build that shows what came of it
SETTLE_SECONDS = 60.0

# What lands each file of the company, in the order of its README: the source, its mapping, the files.
FILES: tuple[tuple[str, str | None, str], ...] = (
    ("products", "shopify_products", "shopify_products.csv"),
    ("contacts", "shopify_customers", "shopify_customers.csv"),
    ("consents", "shopify_consents", "consents.csv"),
    ("purchases", "shopify_orders", "shopify_orders.csv"),
    ("shipments", "shopify_fulfilments", "shopify_fulfilments.json"),
    ("mail", None, "support.mbox"),
    ("sendgrid", None, "sendgrid_events.json"),
    ("twilio", None, "twilio_messages"),
    ("chat", None, "chats.json"),
    ("outreach", "past_outreach", "past_outreach.csv"),
    ("twilio", None, "twilio_calls.json"),
    ("zendesk", None, "zendesk_tickets.json"),
    ("zendesk", None, "zendesk_satisfaction.json"),
    ("delighted", None, "delighted_responses.json"),
    ("trustpilot", None, "trustpilot_reviews.json"),
    ("klaviyo", None, "klaviyo_reviews.json"),
    ("typeform", None, "typeform_responses.json"),
    ("social_messages", "social_mentions", "social_mentions.csv"),
    ("segment", None, "segment_calls.jsonl"),
)


BROKEN = {  # what a row's first broken rule is about, in words
    "present": "a value that has to be there is missing",
    "type": "a date or number cannot be read",
    "values": "a word that the contract does not know",
    "pattern": "a value has the wrong form",
    "range": "a number or date is out of bounds",
    "length": "a text is too short or too long",
    "order": "two dates stand in the wrong order",
}


class Narrator:
    """Says what happens, one line a stage, with the seconds since the beginning."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Give the seconds since the beginning."""
        return time.monotonic() - self._began

    def say(self, stage: str, sentence: str) -> None:
        """Tell one stage on standard error, so that --json leaves standard output alone."""
        sys.stderr.write(f"{self.seconds:6.1f} s  {stage:<9} {sentence}\n")
        sys.stderr.flush()


@dataclass(frozen=True)
class Stage:
    """What the later half of the story stands on."""

    settings: Settings
    store: Store
    clock: Clock
    planner: Planner
    sandbox: RunningSandbox
    tell: Narrator


def tell_story(settings: Settings, clock: Clock, people: int, seed: int, tell: Narrator) -> Card:
    """Make the company in an empty home and take it the whole way; give the card, its sums checked.

    Raises RapportError when a stage fails or a sum does not close.
    """
    truth, rows, cast = _land(settings, clock, people, seed, tell)
    _build(settings, clock, tell)
    with _stage(settings, clock, tell) as stage:
        run_id = _send(stage)
        blocked, said = _stop(stage, run_id)
        bubbles = _bubbles(stage, run_id)
        later = Clock(clock.now() + LATER)
        pin_clock(settings.home, later.now())
        guests = _build(settings, later, tell)["guest_orders"]
        return Card(
            rows=rows,
            people=_people(stage, truth, guests),
            campaign=_campaign(stage, run_id),
            stop=_told(stage, blocked, said),
            outcome=_outcome(stage, run_id, blocked),
            bubbles=bubbles,
            seconds=round(tell.seconds, 1),
            peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            cast=cast,
        ).check()


def _land(
    settings: Settings, clock: Clock, people: int, seed: int, tell: Narrator
) -> tuple[Path, Rows, dict[str, str]]:
    folder = settings.home / "sample"
    world = make_world(people, seed)
    files = write_company(world, folder)
    write_truth(world, folder / "truth")
    tell.say(
        "sample",
        f"{people:,} people in {len(files)} vendors' files, {_touches(world):,} records, seed {seed}",
    )
    reports = [ingest(settings, clock, source, [folder / name], mapping) for source, mapping, name in FILES]
    rows = Rows(
        rows_in=sum(each.rows_in for each in reports),
        accepted=sum(each.accepted for each in reports),
        already_landed=sum(each.already_landed for each in reports),
        set_aside=_set_aside(settings),
    )
    aside = sum(rows.set_aside.values())
    tell.say(
        "ingest", f"{rows.rows_in:,} rows: {rows.accepted:,} accepted, {aside} set aside with their reasons"
    )
    cast = {played["email"]: played["what"] for played in cast_document(world).values()}
    return folder / "truth" / "identity.parquet", rows, cast


def _set_aside(settings: Settings) -> dict[str, int]:
    """Count the rows in quarantine by the kind of the first rule that each broke, the most frequent first."""
    counted: Counter[str] = Counter()
    for item in list_quarantine(settings):
        checks = {rule.name: rule.check for rule in load_contract(item.table).row_rules}
        for row in show_quarantine(item, item.rows):
            counted[BROKEN[checks[next(iter(row.reasons))]]] += 1
    return dict(counted.most_common())


def _touches(world: World) -> int:
    return sum(world.rows.values())


def _build(settings: Settings, clock: Clock, tell: Narrator) -> dict[str, int]:
    from pipelines.defs.build import run_build  # Dagster, dbt and Great Expectations: 13 CPU s of imports

    built = run_build(settings, clock)
    people, red = dict(built.people), sum(state.state == "red" for state in built.contracts)
    touches, contracts = built.row_counts["customer_timeline"], len(built.contracts)
    tell.say(
        "build",
        f"{people['customers']:,} customers, {people['orders']:,} orders, {touches:,} touches;"
        f" {contracts} contracts judged, {red or 'none'} red; release {built.version}",
    )
    return people


@contextmanager
def _stage(settings: Settings, clock: Clock, tell: Narrator) -> Iterator[Stage]:
    """Run the sandbox and the webhooks on free ports while the block runs, and point the settings at them."""
    with ExitStack() as stack:
        store = stack.enter_context(open_store(settings))
        webhooks = stack.enter_context(running_webhooks(settings, store, clock, checked=False))
        at_once = settings_for(settings, inbound_url=webhooks.inbound_url, step_seconds=0.02)
        sandbox = stack.enter_context(running_sandbox(settings=at_once, now=clock.now))
        pointed = read_settings(
            home=settings.home,
            public_url=webhooks.base_url,
            sandbox_url=sandbox.base_url,
            smtp_url=sandbox.smtp_url,
        )
        # Links in messages lead to where `rapport up` will listen, not to the ports of this moment.
        yield Stage(pointed, store, clock, build_planner(settings, clock, store), sandbox, tell)


def _send(stage: Stage) -> str:
    planned = stage.planner.plan(CAMPAIGN, ACTOR)
    stage.tell.say(
        "plan",
        f"{planned.title}: {planned.matched} matched, {planned.to_send} to write to, {planned.held_out} held out,"
        f" {sum(planned.excluded.values())} left out",
    )
    stage.planner.approve(planned.run_id, ACTOR)
    stage.planner.launch(planned.run_id, ACTOR)
    sent = dispatch_once(stage.store, build_senders(stage.settings), stage.clock)
    _settle(stage)
    waiting = sum(sent.waiting.values())
    stage.tell.say(
        "send",
        f"approved, launched; {sent.accepted} taken by the sandbox through the real clients"
        f"{f', {waiting} wait for daylight where they are' if waiting else ''}",
    )
    states = report(stage.store, planned.run_id).messages
    stage.tell.say("receipts", f"{states.get('delivered', 0)} delivered, by signed status webhooks")
    return planned.run_id


def _settle(stage: Stage) -> None:
    if not stage.sandbox.settle(SETTLE_SECONDS):
        raise ServiceError(
            f"The sandbox did not come to rest within {SETTLE_SECONDS:.0f} seconds.", "Run the demo again."
        )


def _stop(stage: Stage, run_id: str) -> tuple[str, str]:
    """Let one reader answer STOP from their phone, then try to write to them again; give whom and why not."""
    reader = _a_reader(stage.store, run_id)
    answer = httpx.post(
        f"{stage.sandbox.base_url}/_sandbox/phones/{reader.address}/messages",
        json={"body": STOP_WORD},
        timeout=10,
    )
    answer.raise_for_status()
    _settle(stage)
    with stage.store.read() as connection:
        heard = select(func.count()).where(inbound_messages.c.keyword == "stop")
        if not connection.execute(heard).scalar_one():
            raise ServiceError("The STOP did not reach the store.", "See the sandbox's journal in the home.")
    again = PlannedMessage(
        message_id=new_id("msg"),
        customer_id=reader.customer_id,
        channel="sms",
        address=reader.address,
        address_hash=reader.address_hash,
        body=reader.body,
        time_zone=stage.settings.time_zone,
    )
    with stage.store.write() as connection:
        insert_planned(connection, [again], stage.clock.now(), queued=True)
    dispatch_once(stage.store, build_senders(stage.settings), stage.clock)
    with stage.store.read() as connection:
        fate = connection.execute(
            select(messages.c.state, messages.c.detail).where(messages.c.message_id == again.message_id)
        ).one()
    if fate.state != "skipped":
        raise ServiceError(
            f"A message after a STOP is {fate.state}, not blocked.", "Please report this at once."
        )
    stage.tell.say(
        "stop", f"one reader answered {STOP_WORD}; the next message to them: blocked. {fate.detail}"
    )
    return str(reader.customer_id), str(fate.detail)


def _a_reader(store: Store, run_id: str) -> Any:
    table = messages.c
    query = select(table.customer_id, table.address, table.address_hash, table.body).where(
        table.run_id == run_id, table.channel == "sms", table.delivered_at.is_not(None)
    )
    with store.read() as connection:
        found = connection.execute(query.order_by(table.message_id).limit(1)).first()
    if found is None:
        raise ServiceError(
            "No text message of the campaign was delivered.", "Make a larger company: --people 2000."
        )
    return found


def _bubbles(stage: Stage, run_id: str) -> tuple[Bubble, ...]:
    """Show the ugliest message of the run, and one of each channel that nothing is to be said against."""
    shown = ugliest(stage.store, stage.planner.customers, run_id, 100_000)
    fair = {each.channel: each for each in shown if not each.remarks}
    ugly = shown[0]
    chosen = [*(each for each in fair.values() if each is not ugly)][:2]
    return (
        *(_bubble(each, "") for each in chosen),
        _bubble(ugly, "the ugliest: " + "; ".join(ugly.remarks or ("none",))),
    )


def _bubble(message: ShownMessage, remark: str) -> Bubble:
    text = f"{message.subject}\n\n{message.body}" if message.subject else message.body
    return Bubble(message.display_name or "somebody without a name", message.channel, text.strip(), remark)


def _people(stage: Stage, truth: Path, guest_orders: int) -> People:
    from pipelines.identity.evaluation.judge import judge
    from pipelines.identity.policy import home_policy

    with open_warehouse(stage.settings.build_path, read_only=True) as connection:
        found = judge(connection, truth, home_policy(stage.settings.home))
    known = found.identified
    return People(
        hidden=found.score.people,
        whole=known.exact_clusters,
        with_strangers=known.swallowed_people,
        split=known.split_people,
        unseen=found.coverage.unseen_people,
        found=known.clusters,
        merged_strangers=known.merged_strangers,
        precision=round(found.score.precision, 3),
        recall=round(found.score.recall, 3),
        recall_ceiling=round(found.ceiling.attributes, 3),
        guest_orders=guest_orders,
    )


def _campaign(stage: Stage, run_id: str) -> Campaign:
    counted = report(stage.store, run_id)
    with stage.store.read() as connection:
        taken = select(func.count(attempts.c.attempt_id)).where(attempts.c.outcome == "accepted")
        our_count = connection.execute(taken).scalar_one()
    summary = httpx.get(f"{stage.sandbox.base_url}/_sandbox/summary", timeout=10).json()
    return Campaign(
        title=counted.title,
        matched=counted.matched,
        sent=counted.messages,
        held_out=counted.held_out,
        excluded={each.sentence: each.people for each in counted.excluded},
        taken=our_count,
        taken_by_provider=summary["accepted"] + summary["mails"],
        segments=counted.segments,
    )


def _outcome(stage: Stage, run_id: str, customer_id: str) -> Outcome:
    """Ask what the campaign has changed until now, and why one of its readers got it."""
    customers = stage.planner.customers
    changed = lift(stage.store, customers, run_id)
    if changed is None:
        raise ServiceError(
            "The campaign holds nobody out.", "Give win_back its holdout back, or empty the home."
        )
    theirs = select(messages.c.message_id).where(
        messages.c.run_id == run_id, messages.c.customer_id == customer_id
    )
    with stage.store.read() as connection:
        message_id = str(connection.execute(theirs).scalar_one())
    stage.tell.say("report", changed.verdict)
    people = Merges(customers.reader, stage.store)()
    return Outcome(
        goal=changed.goal,
        verdict=changed.verdict,
        to=customers.get(customer_id).facts["display_name"] or "somebody",
        message_id=message_id,
        why=tuple(why_message(stage.store, message_id, stage.settings.time_zone, people)),
    )


def _told(stage: Stage, customer_id: str, blocked_because: str) -> Stop:
    """Read the newest release: what came of the campaign has to stand on the customer's timeline."""
    with Customers(stage.settings, stage.store).reader.snapshot() as snapshot:
        rows = snapshot.rows(
            "SELECT title, state FROM c360.customer_timeline WHERE customer_id = $customer_id AND source = 'rapport'"
            " ORDER BY occurred_at, touch_id",
            {"customer_id": customer_id},
        )
    return Stop(
        customer_id=customer_id,
        said=STOP_WORD,
        blocked_because=blocked_because,
        on_timeline=tuple(f"{row['title']} ({row['state']})" for row in rows),
    )
