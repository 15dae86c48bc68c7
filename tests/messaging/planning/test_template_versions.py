"""Every text of a template that was planned stays by its hash; it can be compared, and taken back by one editor at a time."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from data_contracts.errors import NotFoundError, RefusedError, TemplateError
from messaging import audit
from messaging.addresses import Addresses
from messaging.campaigns import Library, save
from messaging.clock import Clock, pin_clock
from messaging.consent_imports import ImportedConsent, record_imports
from messaging.planner import Planner, build_planner
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import messages
from messaging.template_versions import find_version, text_hash
from messaging.templates.editing import diff, history, roll_back

FILE = "templates/sms/win_back.j2"


@pytest.fixture
def planner(settings: Settings, store: Store, clock: Clock) -> Iterator[Planner]:
    pin_clock(settings.home, clock.now())
    built = build_planner(settings, store=store)
    yield built
    built.customers.close()


def edit(library: Library, old: str, new: str) -> str:
    path = library.folder / FILE
    path.write_text(path.read_text().replace(old, new))
    return path.read_text()


def test_what_was_planned_is_kept_and_compared_and_taken_back(
    planner: Planner, publish: Callable[..., str], make_person: Callable[..., dict[str, Any]], clock: Clock
) -> None:
    publish(customer_360=[make_person(1)])
    store, library, now = planner.store, planner.library, clock.now()
    first = (library.folder / FILE).read_text()
    planner.plan("win_back", "eva")
    second = edit(library, "Reply STOP", "Text STOP")
    versions = [each for each in history(store, library, "win_back", "ann", now) if each.file == FILE]
    assert {(each.hash, each.first_by, each.first_why) for each in versions} == {
        (text_hash(first), "eva", "plan"),
        (text_hash(second), "ann", "history"),
    }
    changed = diff(store, library, "win_back", None)
    assert "-Reply STOP to opt out\n" in changed
    assert "+Text STOP to opt out\n" in changed
    roll_back(store, library, "win_back", text_hash(first)[:8], "ann", now)
    assert (library.folder / FILE).read_text() == first
    assert diff(store, library, "win_back", text_hash(first)) == ""
    with store.read() as connection:
        assert find_version(connection, "win_back", text_hash(second))[1] == second
        (entry,) = audit.newest(connection, 5, action="template.rollback")
    assert (entry["actor"], entry["detail"]["hash"]) == ("ann", text_hash(first))


def test_a_version_that_is_not_there_is_told(planner: Planner, clock: Clock) -> None:
    history(planner.store, planner.library, "win_back", "ann", clock.now())
    for begins in ("f00f00f00", "", "0"):
        with pytest.raises(NotFoundError, match="version of template"):
            roll_back(planner.store, planner.library, "win_back", begins, "ann", clock.now())


def test_a_version_that_would_be_refused_today_is_not_taken_back(planner: Planner, clock: Clock) -> None:
    library, now = planner.library, clock.now()
    wrong = edit(library, "Reply STOP", "{{ phone }} Reply STOP")
    history(planner.store, library, "win_back", "ann", now)
    right = edit(library, "{{ phone }} ", "")
    with pytest.raises((RefusedError, TemplateError), match="'phone'"):
        roll_back(planner.store, library, "win_back", text_hash(wrong), "ann", now)
    assert (library.folder / FILE).read_text() == right


def test_of_two_editors_at_once_the_second_is_told(tmp_path: Path) -> None:
    path = tmp_path / "tried.j2"
    path.write_text("as both read it")
    save(path, "the first one's", expected="as both read it")
    with pytest.raises(RefusedError, match="changed by somebody else"):
        save(path, "the second one's", expected="as both read it")
    with pytest.raises(RefusedError, match="changed by somebody else"):
        save(path, "a new file", expected=None)
    assert path.read_text() == "the first one's"


def test_editing_a_template_after_approval_changes_nothing_that_runs(
    planner: Planner,
    publish: Callable[..., str],
    make_person: Callable[..., dict[str, Any]],
    clock: Clock,
    addresses: Addresses,
) -> None:
    people = [make_person(number, email=None) for number in range(20)]
    publish(customer_360=people)
    agreed = [
        ImportedConsent(
            customer_id=each["customer_id"],
            source="shop",
            source_record_id=f"consent/{each['customer_id']}",
            channel="sms",
            purpose="marketing",
            action="grant",
            legal_basis="consent",
            occurred_at=clock.now() - timedelta(days=100),
            method="web form",
            wording=None,
            locale=None,
            address=None,
        )
        for each in people
    ]
    record_imports(planner.store, addresses, agreed, clock.now())
    run_id = planner.plan("win_back", "eva").run_id
    planner.approve(run_id, "ann")
    before = _bodies(planner.store)
    edit(planner.library, "Reply STOP", "Changed. Text STOP")
    planner.launch(run_id, "ann")
    assert before
    assert _bodies(planner.store) == before


def _bodies(store: Store) -> list[tuple[str, str, str]]:
    columns = (messages.c.message_id, messages.c.body, messages.c.template_hash)
    with store.read() as connection:
        return [tuple(row) for row in connection.execute(select(*columns).order_by(messages.c.message_id))]
