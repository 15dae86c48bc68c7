"""A campaign's own tests: made-up customers beside the campaign's file, each with the message or the reason that it expects.

`campaigns/NAME.test.yaml` of the library holds them. Nothing is mocked: the segment's rules, the lot, consent in a store of
the test's own, the gate and the templates decide as they do in a plan. Only the holdout's lot is left out, since it falls on
ids that are made up.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from data_contracts.contracts import published_contract
from data_contracts.errors import CampaignError
from data_contracts.model import Column
from data_contracts.yaml_files import YamlFile, read_yaml_file
from messaging import segments
from messaging.addresses import Addresses, read_addresses
from messaging.campaigns import Content, Holdout, Library
from messaging.complaints import Complaint, open_complaint
from messaging.consent_imports import ImportedConsent, record_imports
from messaging.facts import gather
from messaging.links import Links, read_links
from messaging.planner.decisions import Decision, decide_all
from messaging.planner.grounds import Ground, company_of
from messaging.policy import read_limits
from messaging.quiet_hours import installed_rules
from messaging.settings import Settings
from messaging.store import Store, open_store

NOT_IN_SEGMENT = "not_in_segment"
MEND = "Mend it there; docs/campaign_tests.md shows how a test is written."
KINDS: dict[str, type | tuple[type, ...]] = {
    "VARCHAR": str,
    "BOOLEAN": bool,
    "BIGINT": int,
    "DOUBLE": (int, float),
}
Said = Literal["granted", "revoked", "none"]
Channel = Literal["email", "sms"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Expected(_Part):
    """What a test expects: a message and what is in it, or the reason for none."""

    channel: Channel | None = None
    language: str | None = None
    says: tuple[str, ...] = ()
    never_says: tuple[str, ...] = ()
    sms_segments: int | None = Field(None, ge=1, le=20)
    waits: bool | None = None
    left_out: str | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "_Expected":
        if (self.left_out is None) == (self.channel is None):
            raise ValueError("expect either `channel` and what the message says, or `left_out` with a reason")
        return self


class _Touch(_Part):
    kind: str
    days_ago: float = Field(ge=0)
    channel: str | None = None
    direction: str | None = None
    state: str | None = None
    title: str | None = None
    campaign: str | None = None
    source: str | None = None
    amount_minor: int | None = None


class _Case(_Part):
    name: str
    customer: dict[str, Any] = Field(default_factory=dict)
    did: tuple[_Touch, ...] = ()
    lists: tuple[str, ...] = ()
    said: dict[Channel, Said] = Field(default_factory=dict)
    complains: bool = False
    event: dict[str, Any] = Field(default_factory=dict)  # that triggers the campaign: what it tells
    expect: _Expected


class _File(_Part):
    now: datetime
    customer: dict[str, Any] = Field(
        default_factory=dict
    )  # what every case's customer has, unless it says otherwise
    cases: Annotated[tuple[_Case, ...], Field(min_length=1, max_length=200)]


@dataclass(frozen=True)
class Trial:
    """One case: what is wrong with what came out, in sentences (none where it passed), and the message."""

    name: str
    line: int
    wrong: tuple[str, ...]
    message: str | None

    @property
    def passed(self) -> bool:
        """Say whether everything came out as expected."""
        return not self.wrong


def try_campaign(library: Library, name: str, settings: Settings) -> list[Trial]:
    """Run the tests of a campaign of the library. None where it has no file of tests.

    `settings` give the company's name, limits and rules; its store is not touched. Raises CampaignError, SegmentError or
    TemplateError where a file is wrong.
    """
    path = library.folder / "campaigns" / f"{name}.test.yaml"
    content = library.content(name)
    content = replace(
        content, campaign=replace(content.campaign, holdout=Holdout(0, content.campaign.holdout.salt))
    )
    if not path.exists():
        return []
    file = read_yaml_file(path, CampaignError, MEND, name=f"The tests of {name!r}")
    found = file.checked(_File)
    with _own_store(settings) as (store, addresses, links):
        trials = _Trials(content, file, found, settings, store, addresses, links)
        return [trials.run(number, case) for number, case in enumerate(found.cases)]


@contextmanager
def _own_store(settings: Settings) -> Iterator[tuple[Store, Addresses, Links]]:
    """Make a store with keys of its own in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="rapport-trial-") as folder:
        own = settings.model_copy(update={"home": Path(folder), "store_url": SecretStr("")})
        with open_store(own) as store:
            yield store, read_addresses(own, store), read_links(own)


class _Trials:
    def __init__(  # noqa: PLR0913, PLR0917 - all that a trial stands on
        self,
        content: Content,
        file: YamlFile,
        tests: _File,
        settings: Settings,
        store: Store,
        addresses: Addresses,
        links: Links,
    ) -> None:
        self.content, self.file, self.tests, self.settings = content, file, tests, settings
        self.store, self.addresses, self.links = store, addresses, links
        self.contract = published_contract("customer_360")
        self.templates = content.compiled(self.contract)
        self.rules = installed_rules(settings.home)
        self.limits = read_limits(settings)
        self.now = tests.now.replace(tzinfo=None)

    def run(self, number: int, case: _Case) -> Trial:
        """Decide about one case's customer, and compare."""
        facts = self._facts(number, case)
        person = segments.Person(facts, [self._touch(facts, each) for each in case.did], case.lists)
        line = self.file.line(("cases", number))
        if not segments.holds(self.content.segment.rule, person, self.now):
            parts = segments.failing(self.content.segment.rule, person, self.now)
            why = "; ".join(segments.describe(each, self.contract, self.settings.currency) for each in parts)
            return Trial(case.name, line, tuple(_compared(case.expect, None, None, f"not so: {why}")), None)
        decision = self._decision(number, case, facts)
        body = decision.message.body if decision.message else None
        # A test is of what was written, and so its links are told by where they lead.
        shown = None if body is None else self.links.led_on(body)
        return Trial(case.name, line, tuple(_compared(case.expect, decision, shown, decision.detail)), shown)

    def _facts(self, number: int, case: _Case) -> dict[str, Any]:
        """Make a row of customer_360 of what the file says; what it does not say is not known, or none."""
        row = {column.name: _unsaid(column, self.now) for column in self.contract.columns}
        row |= {"customer_id": f"cus_trial_{number}", "last_seen_at": self.now}
        for place, said in (
            (("customer",), self.tests.customer),
            (("cases", number, "customer"), case.customer),
        ):
            for key, value in said.items():
                row[key] = self._checked(key, value, (*place, key))
        return row

    def _checked(self, key: str, value: Any, place: tuple[str | int, ...]) -> Any:
        known = [column.name for column in self.contract.columns]
        if key not in known:
            self.file.refuse(
                place, f"customer_360 has no column {key!r}", "See the dictionary for all columns."
            )
        column = self.contract.column(key)
        if column.type in {"TIMESTAMP", "DATE"} and isinstance(value, str):
            try:
                return datetime.fromisoformat(value)
            except ValueError:
                self.file.refuse(place, f"{key} should be a date")
        kind = KINDS.get(column.type)
        if (
            value is not None
            and kind
            and not (isinstance(value, kind) and isinstance(value, bool) == (kind is bool))
        ):
            self.file.refuse(place, f"{key} is {value!r}, which is no {column.type}")
        return value

    def _touch(self, facts: Mapping[str, Any], touch: _Touch) -> dict[str, Any]:
        row = touch.model_dump(exclude={"days_ago"})
        return row | {
            "customer_id": facts["customer_id"],
            "occurred_at": self.now - timedelta(days=touch.days_ago),
        }

    def _decision(self, number: int, case: _Case, facts: Mapping[str, Any]) -> Decision:
        self._record(case, str(facts["customer_id"]))
        ground = Ground(
            run_id=f"run_trial_{number}",
            content=self.content,
            templates=self.templates,
            company=company_of(self.settings),
            addresses=self.addresses,
            links=self.links,
            rules=self.rules,
            now=self.now,
            already_written={},
            all_ids={},
            told=self._told(case, str(facts["customer_id"])),
        )
        with self.store.read() as connection:
            decisions = decide_all(
                ground, [facts], lambda asked: gather(connection, asked, self.now, self.limits)
            )
            return next(decisions)

    def _told(self, case: _Case, customer_id: str) -> dict[str, dict[str, Any]]:
        trigger = self.content.campaign.trigger
        return {customer_id: trigger.values_of(case.event)} if trigger else {}

    def _record(self, case: _Case, customer_id: str) -> None:
        """Record what the customer said of marketing: unless the case says otherwise, yes by every channel."""
        said: dict[Channel, Said] = {"email": "granted", "sms": "granted"}
        said |= case.said
        rows = [
            ImportedConsent(
                customer_id=customer_id, source="trial", source_record_id=f"{customer_id}/{channel}", channel=channel,
                purpose=self.content.purpose, action="grant" if word == "granted" else "revoke",
                legal_basis="consent", occurred_at=self.now - timedelta(days=1), method="a campaign's test",
                wording=None, locale=None, address=None,
            )
            for channel, word in said.items() if word != "none"
        ]  # fmt: skip
        record_imports(self.store, self.addresses, rows, self.now)
        if case.complains:
            with self.store.write() as connection:
                flag = Complaint(
                    kind="record",
                    source="trial",
                    source_record_id=customer_id,
                    opened_at=self.now,
                    customer_id=customer_id,
                )
                open_complaint(connection, flag)


def _unsaid(column: Column, now: datetime) -> Any:
    """Give what stands in a column of which a test says nothing: nothing, or the least that the contract lets stand."""
    if not column.required:
        return None
    if column.type == "BOOLEAN":
        return False
    return now if column.type in {"TIMESTAMP", "DATE"} else "" if column.type == "VARCHAR" else 0


def _compared(expected: _Expected, decision: Decision | None, body: str | None, why: str) -> Iterator[str]:
    """Say what is not as expected; no decision where the segment did not match."""
    message = decision.message if decision else None
    if message is None:
        reason = decision.reason if decision else NOT_IN_SEGMENT
        if expected.left_out is None:
            yield f"there is no message ({reason}): {why}"
        elif expected.left_out != reason:
            yield f"they are left out for {reason}, not for {expected.left_out}: {why}"
        return
    assert decision is not None
    if expected.left_out is not None:
        yield f"they get a message by {message.channel}, and should be left out for {expected.left_out}"
        return
    if message.channel != expected.channel:
        yield f"the message goes by {message.channel}, not by {expected.channel}: {why}"
    if expected.language not in {None, decision.language}:
        yield f"the message is in {decision.language!r}, not in {expected.language!r}"
    words = f"{message.subject or ''}\n{body}"
    yield from (f"it does not say {each!r}" for each in expected.says if each not in words)
    yield from (f"it says {each!r}" for each in expected.never_says if each in words)
    if expected.sms_segments not in {None, message.segment_count}:
        yield f"it has {message.segment_count} SMS segments, not {expected.sms_segments}"
    if expected.waits is not None and expected.waits != (decision.waits_until is not None):
        yield "it waits for its hour" if decision.waits_until else "it does not wait for its hour"
