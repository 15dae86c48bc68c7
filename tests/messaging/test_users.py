"""Accounts, links, passwords, sessions and the throttle, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from data_contracts.errors import NotFoundError, RefusedError, UsageError
from messaging import passwords, sign_ins, users
from messaging.access import Person
from messaging.passwords import hash_password, is_password
from messaging.sign_ins import IDLE, LONGEST, PER_ACCOUNT, PER_ADDRESS, WINDOW, sign_in, sign_out, signed_in
from messaging.store import Store
from messaging.store.tables_record import audit
from messaging.store.tables_users import sign_in_attempts, user_links, user_sessions

NOON = datetime.fromisoformat("2026-11-23T12:00")
PASSWORD, OTHER = "four words will do", "another few words here"
HOME = "192.0.2.1"


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep scrypt itself and make it cheap: a hash says its own parameters, and the real ones have a test."""
    monkeypatch.setattr(passwords, "COST", 2**4)
    monkeypatch.setattr(passwords, "_NOBODYS", f"scrypt$16$8$3${'00' * 16}${'00' * 32}")


def joined(store: Store, name: str = "Grace", *roles: str) -> users.User:
    with store.write() as connection:
        _, token = users.invite(connection, name, roles or ("viewer",), "ann", NOON)
    return users.join(store, token, PASSWORD, NOON)


def actions(store: Store) -> list[tuple[str, str]]:
    with store.read() as connection:
        rows = connection.execute(select(audit.c.actor, audit.c.action).order_by(audit.c.sequence))
        return [(row.actor, row.action) for row in rows]


def test_the_real_parameters_hash_salted_and_tell_right_from_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "COST", 2**15)
    kept = hash_password(PASSWORD, "Grace")
    assert kept.startswith("scrypt$32768$8$3$")
    assert is_password(PASSWORD, kept)
    assert not is_password(OTHER, kept)
    assert not is_password("\0" * 32, None)


@pytest.mark.parametrize("weak", ["short", "x" * 300, "aaaaaaaaaaaa", "Grace Brewster"])
def test_a_weak_password_is_refused_and_not_repeated(weak: str) -> None:
    with pytest.raises(UsageError) as refused:
        hash_password(weak, "grace brewster")
    assert weak not in str(refused.value)


def test_somebody_who_was_invited_joins_signs_in_and_is_known_by_role(store: Store) -> None:
    grace = joined(store, "Grace", "agent", "viewer")
    token = sign_in(store, "  GRACE ", PASSWORD, HOME, NOON)
    assert signed_in(store, token, NOON) == Person(grace.user_id, "Grace", frozenset({"agent", "viewer"}))
    sign_out(store, token, NOON)
    assert signed_in(store, token, NOON) is None
    assert actions(store) == [
        ("ann", "user.invite"),
        ("Grace", "user.join"),
        ("Grace", "user.sign_in"),
        ("Grace", "user.sign_out"),
    ]


def test_neither_tokens_nor_passwords_are_kept_as_they_are(store: Store) -> None:
    with store.write() as connection:
        user, link = users.invite(connection, "Grace", ["viewer"], "ann", NOON)
        assert connection.execute(select(user_links.c.token_hash)).scalars().all() != [link]
    users.join(store, link, PASSWORD, NOON)
    token = sign_in(store, "Grace", PASSWORD, HOME, NOON)
    with store.read() as connection:
        kept = [
            str(row)
            for table in (users.users, user_links, user_sessions, sign_in_attempts, audit)
            for row in connection.execute(select(table))
        ]
    assert any(user.user_id in row for row in kept)
    assert not any(secret in row for row in kept for secret in (PASSWORD, link, token))


def test_a_link_works_once_for_a_day_and_not_after_a_newer_one(store: Store) -> None:
    with store.write() as connection:
        user, first = users.invite(connection, "Grace", ["viewer"], "ann", NOON)
        second = users.renew(connection, user.user_id, "ann", NOON)
    for token, when in ((first, NOON), (second, NOON + users.LINK_LIVES), ("guess", NOON)):
        with pytest.raises(RefusedError, match="This link was used"):
            users.join(store, token, PASSWORD, when)
    users.join(store, second, PASSWORD, NOON)
    with pytest.raises(RefusedError, match="This link was used"):
        users.join(store, second, OTHER, NOON)


def test_the_first_admin_gets_a_link_until_somebody_has_joined(store: Store) -> None:
    with store.write() as connection:
        lost, link = users.first_link(connection, NOON), users.first_link(connection, NOON)
    assert lost
    assert link
    with pytest.raises(RefusedError):
        users.join(store, lost, PASSWORD, NOON)
    assert users.join(store, link, PASSWORD, NOON).roles == {"admin"}
    with store.write() as connection:
        assert users.first_link(connection, NOON) is None


def test_colleagues_who_joined_before_any_admin_do_not_keep_the_first_admin_out(store: Store) -> None:
    joined(store, "admin", "viewer")
    with store.write() as connection:
        link = users.first_link(connection, NOON)
    assert link
    first = users.join(store, link, PASSWORD, NOON)
    assert (first.name, first.roles) == ("admin 2", {"admin"})


def test_a_password_that_changes_while_the_old_one_is_looked_at_opens_no_session(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    grace = joined(store)
    with store.write() as connection:
        link = users.renew(connection, grace.user_id, "ann", NOON)

    def slow(password: str, kept: str | None) -> bool:
        users.join(store, link, OTHER, NOON)
        return is_password(password, kept)

    monkeypatch.setattr(sign_ins, "is_password", slow)
    with pytest.raises(RefusedError, match="do not belong"):
        sign_in(store, "Grace", PASSWORD, HOME, NOON)


def test_sessions_die_at_once_on_other_roles_a_new_password_and_the_end_of_an_account(store: Store) -> None:
    joined(store, "Root", "admin")
    grace = joined(store)
    token = sign_in(store, "Grace", PASSWORD, HOME, NOON)
    with store.write() as connection:
        users.set_roles(connection, grace.user_id, ["agent"], "Root", NOON)
    assert signed_in(store, token, NOON) is None

    token = sign_in(store, "Grace", PASSWORD, HOME, NOON)
    with store.write() as connection:
        link = users.renew(connection, grace.user_id, "Root", NOON)
    assert signed_in(store, token, NOON) is not None
    users.join(store, link, OTHER, NOON)
    assert signed_in(store, token, NOON) is None

    token = sign_in(store, "Grace", OTHER, HOME, NOON)
    with store.write() as connection:
        users.disable(connection, grace.user_id, "Root", NOON)
    assert signed_in(store, token, NOON) is None
    with pytest.raises(RefusedError, match="do not belong together"):
        sign_in(store, "Grace", OTHER, HOME, NOON)
    with store.write() as connection, pytest.raises(NotFoundError):
        users.renew(connection, grace.user_id, "Root", NOON)


def test_a_session_ends_when_it_is_idle_and_after_a_day_even_when_it_is_not(store: Store) -> None:
    joined(store)
    idle = sign_in(store, "Grace", PASSWORD, HOME, NOON)
    assert signed_in(store, idle, NOON + IDLE) is None
    busy, now = sign_in(store, "Grace", PASSWORD, HOME, NOON), NOON
    while now + IDLE / 2 < NOON + LONGEST:
        now += IDLE / 2
        assert signed_in(store, busy, now) is not None
    assert signed_in(store, busy, NOON + LONGEST) is None


def test_the_last_admin_stays_admin(store: Store) -> None:
    root = joined(store, "Root", "admin")
    with store.write() as connection:
        users.invite(connection, "Never came", ["admin"], "Root", NOON)
    with store.write() as connection, pytest.raises(RefusedError, match="last admin"):
        users.disable(connection, root.user_id, "Root", NOON)
    with store.write() as connection, pytest.raises(RefusedError, match="last admin"):
        users.set_roles(connection, root.user_id, ["viewer"], "Root", NOON)
    joined(store, "Second", "admin")
    with store.write() as connection:
        assert users.set_roles(connection, root.user_id, ["viewer"], "Root", NOON).roles == {"viewer"}


def test_two_spellings_of_one_name_are_one_account(store: Store) -> None:
    joined(store, "Grace Hopper")
    with store.write() as connection, pytest.raises(RefusedError, match="account of that name"):
        users.invite(connection, "grace  HOPPER", ["viewer"], "ann", NOON)
    with store.write() as connection, pytest.raises(UsageError):
        users.invite(connection, "Grace\u202e", ["viewer"], "ann", NOON)


def test_nobody_learns_from_a_refusal_who_has_an_account(store: Store) -> None:
    joined(store)
    told = set()
    for name in ("Grace", "Nobody"):
        with pytest.raises(RefusedError) as refused:
            sign_in(store, name, OTHER, HOME, NOON)
        told.add(str(refused.value))
    assert len(told) == 1
    assert actions(store)[-2:] == [("nobody", "user.sign_in_refused")] * 2


def test_an_account_is_throttled_whatever_the_address_and_opens_again_later(store: Store) -> None:
    joined(store)
    for number in range(PER_ACCOUNT):
        with pytest.raises(RefusedError, match="do not belong"):
            sign_in(store, "Grace", OTHER, f"192.0.2.{number}", NOON)
    with pytest.raises(RefusedError, match="Too many attempts"):
        sign_in(store, "grace", PASSWORD, "192.0.2.99", NOON)
    assert sign_in(store, "Grace", PASSWORD, HOME, NOON + WINDOW)


def test_an_address_is_throttled_whatever_the_names_and_others_are_not(store: Store) -> None:
    joined(store)
    for number in range(PER_ADDRESS):
        with pytest.raises(RefusedError, match="do not belong"):
            sign_in(store, f"guess {number}", OTHER, HOME, NOON)
    with pytest.raises(RefusedError, match="Too many attempts"):
        sign_in(store, "Grace", PASSWORD, HOME, NOON)
    assert sign_in(store, "Grace", PASSWORD, "192.0.2.2", NOON)


def test_attempts_at_once_are_counted_before_they_are_tried(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    joined(store)
    tried = []

    def told(password: str, kept: str | None) -> bool:
        tried.append(password)
        return is_password(password, kept)

    monkeypatch.setattr(sign_ins, "is_password", told)

    def attempt(number: int) -> None:
        with pytest.raises(RefusedError):
            sign_in(store, "Grace", f"{OTHER} {number}", f"192.0.2.{number}", NOON)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(attempt, range(3 * PER_ACCOUNT)))
    assert len(tried) == PER_ACCOUNT


def test_who_signs_in_rightly_leaves_no_attempts_behind(store: Store) -> None:
    joined(store)
    for _ in range(2 * PER_ADDRESS):
        sign_in(store, "Grace", PASSWORD, HOME, NOON + timedelta(seconds=1))
    with store.read() as connection:
        assert connection.execute(select(func.count()).select_from(sign_in_attempts)).scalar() == 0
