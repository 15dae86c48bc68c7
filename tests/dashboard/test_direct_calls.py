"""What pages call, called by somebody whose role may not: each is refused, and leaves the store and all files as they were."""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import func, select

from data_contracts.errors import NotFoundError, RefusedError
from messaging import access, api_keys, users
from messaging.access import ROLES, RULES, Person, Role, sight
from messaging.campaigns import Library, save_campaign, save_segment
from messaging.clock import Clock, read_clock
from messaging.customers import Customers
from messaging.desk import (
    follow_ups,
    health,
    looking,
    notes,
    privacy,
    requests,
    segments,
    templates,
    whys,
)
from messaging.desk.identity import decide_identity
from messaging.desk.settings import connection_tested
from messaging.desk.writing import Desk, Draft, write_to
from messaging.planner import Planner, build_planner
from messaging.settings import Settings, read_settings
from messaging.store import Store, open_store
from messaging.store.tables import messages, metadata
from messaging.template_versions import text_hash
from messaging.templates.editing import roll_back, save_template
from messaging.webhooks.preference_preview import preview_preferences

NOON = datetime.fromisoformat("2026-10-30T12:00")
CUSTOMER, OTHER = f"cus_{5:032x}", f"cus_{6:032x}"
FILE = ("sms", "win_back", "en")


@dataclass
class World:
    """A company, and in it one of everything that somebody could act upon."""

    settings: Settings
    store: Store
    customers: Customers
    planner: Planner
    run_id: str
    note_id: str
    follow_up_id: str
    request_id: str
    key_id: str
    user_id: str
    version: str

    @cached_property
    def message_id(self) -> str:
        """Name a message of the run."""
        with self.store.read() as connection:
            return str(connection.execute(select(messages.c.message_id)).scalars().first())

    @property
    def desk(self) -> Desk:
        """Give what writing to one customer needs."""
        library = Library(self.settings.library_dir)
        return Desk(self.settings, self.store, self.customers, library, Clock(NOON))


@pytest.fixture(scope="module")
def world(company: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("called") / "home"
    shutil.copytree(company, home)
    settings, clock = read_settings(home=home), Clock(NOON)
    (file,) = (home / "releases").glob("*.duckdb")
    with duckdb.connect(str(file)) as release:
        release.execute(
            "CREATE TABLE order_lines AS SELECT source, source_record_id, customer_id, '#1' AS order_id, "
            "?::TIMESTAMP AS occurred_at FROM identity_map",
            [NOON],
        )
    with open_store(settings) as store:
        planner = build_planner(settings, store=store)
        path = planner.library.template_path(*FILE)
        before = path.read_text()
        after = before.replace("Reply STOP", "Just reply STOP")
        save_template(planner.library, store, FILE, after, read=text_hash(before), actor="ann", now=NOON)
        run = planner.plan("win_back", "ann")
        with store.write() as connection:
            user, _ = users.invite(connection, "Bob", ["viewer"], "ann", NOON)
            key, _ = api_keys.create(connection, "shop", "ann", NOON)
        asked = requests.take_request(store, clock, "access", "Ada", way="letter", zone="UTC", actor="ann")
        kept = follow_ups.promise(store, clock, CUSTOMER, "Call", NOON + timedelta(days=1), actor="ann")
        yield World(
            settings,
            store,
            planner.customers,
            planner,
            run.run_id,
            notes.write_note(store, clock, CUSTOMER, "A word", actor="ann").note_id,
            kept.follow_up_id,
            asked.request_id,
            key.key_id,
            user.user_id,
            text_hash(before),
        )
        planner.customers.close()


def inside(world: World, work: Callable[..., object], *given: object) -> object:
    with world.store.write() as connection:
        return work(connection, *given)


def _save(world: World, kind: str) -> object:
    work = {"campaigns": save_campaign, "segments": save_segment}[kind]
    name = {"campaigns": "win_back", "segments": "everybody"}[kind]
    text_ = (world.settings.library_dir / kind / f"{name}.yaml").read_text()
    changed = f"{text_}# more\n"
    library = Library(world.settings.library_dir)
    return work(library, world.store, name, changed, read=text_hash(text_), actor="eve", now=NOON)


def _save_template(world: World) -> object:
    library = Library(world.settings.library_dir)
    stands = library.template_path(*FILE).read_text()
    changed = stands.replace("reply", "answer")
    return save_template(library, world.store, FILE, changed, read=text_hash(stands), actor="eve", now=NOON)


def _export(world: World) -> object:
    return segments.exported(world.desk, "everybody", sight=sight(nobody("admin")), actor="eve")


def nobody(*roles: Role) -> Person:
    return Person("usr_eve", "eve", frozenset(roles))


C = Clock(NOON)
CALLS: dict[str, tuple[str, Callable[[World], object]]] = {
    "plan": ("campaign.plan", lambda w: w.planner.plan("win_back", "eve")),
    "approve": ("campaign.approve", lambda w: w.planner.approve(w.run_id, "eve")),
    "stop": ("campaign.stop", lambda w: w.planner.stop(w.run_id, "eve")),
    "save a campaign": ("campaign.save", lambda w: _save(w, "campaigns")),
    "save a segment": ("segment.save", lambda w: _save(w, "segments")),
    "save a template": ("template.save", _save_template),
    "take a template back": (
        "template.rollback",
        lambda w: roll_back(w.store, Library(w.settings.library_dir), "win_back", w.version, "eve", NOON),
    ),
    "see a run's people": (
        "campaign.look",
        lambda w: looking.look_at_run(w.store, C, w.run_id, "send", actor="eve"),
    ),
    "export": ("segment.export", _export),
    "preview a segment": (
        "segment.preview",
        lambda w: segments.previewed(
            w.desk, w.desk.library.segment("everybody"), 5, sight=sight(nobody("admin")), actor="eve"
        ),
    ),
    "upload a list": (
        "list.upload",
        lambda w: segments.upload_list(
            w.desk, "fair", f"customer_id\n{CUSTOMER}\n".encode(), "f.csv", None, actor="eve"
        ),
    ),
    "preview a template": (
        "template.preview",
        lambda w: templates.looked_at(
            w.desk, w.desk.library, FILE, CUSTOMER, sight=sight(nobody("admin")), actor="eve"
        ),
    ),
    "search": ("customer.search", lambda w: looking.searched(w.store, C, 3, actor="eve")),
    "look": ("customer.look", lambda w: looking.look(w.store, C, CUSTOMER, actor="eve")),
    "ask why": ("message.look", lambda w: whys.explain_message(w.planner, w.message_id, actor="eve")),
    "ask why not": (
        "customer.why",
        lambda w: whys.explain_customer(w.planner, CUSTOMER, "win_back", actor="eve"),
    ),
    "write": (
        "customer.write",
        lambda w: write_to(w.desk, CUSTOMER, Draft("msg_eve", "sms", "Hello"), actor="eve"),
    ),
    "note": ("note.write", lambda w: notes.write_note(w.store, C, CUSTOMER, "x", actor="eve")),
    "remove a note": ("note.remove", lambda w: notes.remove_note(w.store, C, w.note_id, actor="eve")),
    "promise": (
        "follow_up.promise",
        lambda w: follow_ups.promise(w.store, C, CUSTOMER, "x", NOON + timedelta(days=1), actor="eve"),
    ),
    "keep": (
        "follow_up.kept",
        lambda w: follow_ups.settle(w.store, C, w.follow_up_id, "kept", outcome="", actor="eve"),
    ),
    "merge": (
        "identity.merge",
        lambda w: decide_identity(w.store, w.customers, C, "merge", CUSTOMER, OTHER, reason="x", actor="eve"),
    ),
    "open a file": (
        "consent.look",
        lambda w: privacy.open_file(w.customers, w.store, C, CUSTOMER, actor="eve"),
    ),
    "say no": (
        "consent.revoke",
        lambda w: privacy.take_no(
            w.customers,
            w.store,
            C,
            CUSTOMER,
            channel="sms",
            purpose="marketing",
            method="x",
            wording="",
            actor="eve",
        ),
    ),
    "take a request": (
        "request.take",
        lambda w: requests.take_request(w.store, C, "erasure", "Eve", way="letter", zone="UTC", actor="eve"),
    ),
    "see requests": ("request.look", lambda w: requests.saw(w.store, C, 1, actor="eve")),
    "extend a request": (
        "request.extend",
        lambda w: requests.extend_request(w.store, C, w.request_id, "x", zone="UTC", actor="eve"),
    ),
    "close a request": (
        "request.done",
        lambda w: requests.close_request(w.store, C, w.request_id, "done", "x", actor="eve"),
    ),
    "build": ("build.ask", lambda w: health.ask_for_build(w.store, C, full=False, actor="eve")),
    "judge again": ("quarantine.replay", lambda w: health.replayed(w.store, C, None, actor="eve")),
    "land": ("file.land", lambda w: health.landed(w.store, C, "purchases", 1, actor="eve")),
    "test a channel": (
        "channel.test",
        lambda w: connection_tested(w.settings, w.store, C, "email", actor="eve"),
    ),
    "make a key": ("keys.create", lambda w: inside(w, api_keys.create, "mine", "eve", NOON)),
    "revoke a key": ("keys.revoke", lambda w: inside(w, api_keys.revoke, w.key_id, "eve", NOON)),
    "invite": ("user.invite", lambda w: inside(w, users.invite, "Eve", ["admin"], "eve", NOON)),
    "give a link": ("user.renew", lambda w: inside(w, users.renew, w.user_id, "eve", NOON)),
    "make oneself admin": (
        "user.role",
        lambda w: inside(w, users.set_roles, w.user_id, ["admin"], "eve", NOON),
    ),
    "end an account": ("user.disable", lambda w: inside(w, users.disable, w.user_id, "eve", NOON)),
}


def state_of(world: World) -> dict[str, object]:
    """Give what stands in the store and in all files of ours."""
    with world.store.read() as connection:
        found: dict[str, object] = {
            name: (
                connection.execute(select(func.count()).select_from(table)).scalar(),
                hashlib.sha256(repr(connection.execute(select(table)).all()).encode()).hexdigest(),
            )
            for name, table in metadata.tables.items()
        }
    library = world.settings.library_dir
    found |= {str(each): each.read_bytes() for each in library.rglob("*") if each.is_file()}
    return found | {"clock": read_clock(world.settings.home).pinned_at}


@pytest.mark.parametrize("role", ROLES)
def test_what_a_role_may_not_do_is_refused_to_a_direct_call_and_changes_nothing(
    world: World, role: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state_of(world)
    monkeypatch.setattr(access._process, "who_acts", lambda _: nobody(role))
    forbidden = {name: call for name, (action, call) in CALLS.items() if role not in RULES[action].roles}
    for call in forbidden.values():
        with pytest.raises(RefusedError, match="may not"):
            call(world)
    assert state_of(world) == before, sorted(forbidden)
    assert bool(forbidden) == (role != "admin")


@pytest.mark.parametrize("typed", ["ada@example.org", "+4366412345", "", f"{CUSTOMER}\n", "cus_ada@x.org"])
def test_an_address_typed_where_an_id_belongs_is_refused_and_goes_into_no_audit(
    world: World, typed: str
) -> None:
    before = state_of(world)
    asked: tuple[Callable[[], object], ...] = (
        lambda: whys.explain_message(world.planner, typed, actor="ann"),
        lambda: whys.explain_customer(world.planner, typed, "win_back", actor="ann"),
        lambda: privacy.open_file(world.customers, world.store, C, typed, actor="ann"),
        lambda: preview_preferences(
            world.settings, world.customers, world.store, C, typed, lang="en", actor="ann"
        ),
    )
    for ask in asked:
        with pytest.raises(NotFoundError, match="is no id") as told:
            ask()
        assert not typed.strip() or typed not in str(told.value)
    assert state_of(world) == before
