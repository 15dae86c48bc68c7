"""Accounts in the shop, and what their owners agreed to."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.samples.arrays import (
    DAY,
    Flags,
    Ints,
    Streams,
    Strings,
    Times,
    blank,
    chance,
    choose,
    days,
    join,
    pick,
    take,
)
from pipelines.samples.noise import Noise
from pipelines.samples.people import People
from pipelines.samples.phones import e164
from pipelines.samples.places import LANGUAGES, PLACES
from pipelines.samples.signatures import Acts, clean_emails, countries_of, phone_numbers, sign
from pipelines.samples.tables import canonical, record_ids
from pipelines.samples.times import END

EMAIL_CONSENT, SMS_CONSENT = 0.46, 0.34  # of accounts, of accounts with a phone
CHANGED_MIND = 0.07
NEVER = np.datetime64("NaT", "us")


@dataclass(frozen=True)
class Accounts:
    """A row an account: whose, under which self, since when, and its phone (0 where none was given)."""

    person: Ints
    selves: Ints
    at: Times
    number: Strings
    phone: Ints
    bare: Flags  # signed up for the newsletter with an address and nothing else

    def __len__(self) -> int:
        """Count the accounts."""
        return len(self.person)


@dataclass
class Permissions:
    """Marketing consent by account: when it was given and taken back on each channel (NaT: never).

    Past outreach writes the opt-outs that it causes into the same columns.
    """

    email_from: Times
    email_until: Times
    sms_from: Times
    sms_until: Times

    def may(self, channel: str, at: np.datetime64) -> Flags:
        """Mark the accounts that may be written to on a channel at a time."""
        given, ended = (
            (self.email_from, self.email_until) if channel == "email" else (self.sms_from, self.sms_until)
        )
        return (given <= at) & (np.isnat(ended) | (ended > at))


def open_accounts(streams: Streams, people: People) -> Accounts:
    """Open the accounts of both selves, in the order of time."""
    rng = streams("accounts")
    first, second = np.flatnonzero(people.has_account), np.flatnonzero(people.second_account)
    person = np.r_[first, second]
    selves = np.r_[np.zeros(len(first), np.int64), np.ones(len(second), np.int64)]
    later = np.where(selves == 1, rng.uniform(20, 200, len(person)), rng.uniform(0, 0.05, len(person)))
    at = people.joined[person] + days(later)
    order = np.lexsort((person, at))
    order = order[at[order] < END - DAY]
    person, selves, at = person[order], selves[order], at[order]
    bare = chance(rng, len(person), 0.05)
    gives_phone = chance(rng, len(person), 0.7) & ~bare
    return Accounts(
        person=person,
        selves=selves,
        at=at,
        number=take(people.accounts, person + selves * len(people)),
        phone=np.where(gives_phone, phone_numbers(people, Acts(person, selves, at)), 0),
        bare=bare,
    )


def ask_permission(streams: Streams, accounts: Accounts) -> Permissions:
    """Let owners agree when they open the account, and some think better of it later."""
    rng = streams("permissions")
    count = len(accounts)
    never = np.full(count, NEVER)
    by_email = chance(rng, count, EMAIL_CONSENT) | accounts.bare
    by_sms = chance(rng, count, SMS_CONSENT) & (accounts.phone > 0)
    later = accounts.at + days(rng.exponential(120, count))
    changed = chance(rng, count, CHANGED_MIND) & (later < END - DAY)
    return Permissions(
        email_from=np.where(by_email, accounts.at, never),
        email_until=np.where(by_email & changed, later, never),
        sms_from=np.where(by_sms, accounts.at, never),
        sms_until=np.where(by_sms & changed & chance(rng, count, 0.6), later, never),
    )


def contacts_table(streams: Streams, people: People, accounts: Accounts, noise: Noise) -> pa.Table:
    """Give the accounts as canonical contacts; a bare one has an address only."""
    rng = streams("contacts")
    person, count = accounts.person, len(accounts)
    signed = sign(rng, people, Acts(person, accounts.selves, accounts.at), noise)
    zone_unknown = accounts.bare | chance(rng, count, 0.3)
    language_unknown = accounts.bare | chance(rng, count, 0.15)

    def shown(values: Strings, hidden: Flags = accounts.bare) -> Strings:
        return blank(values, hidden)

    return canonical(
        "contacts",
        "shopify",
        count,
        END,
        source_record_id=join("contact/", accounts.number),
        occurred_at=accounts.at,
        external_id=accounts.number,
        email=clean_emails(people, person, accounts.selves),
        phone=e164(accounts.phone),
        given_name=shown(signed.given),
        family_name=shown(signed.family),
        birth_date=shown(take(people.birth_date, person)),
        street=shown(take(people.street, person)),
        city=shown(take(people.city, person)),
        postcode=shown(take(people.postcode, person)),
        country=shown(countries_of(people, person)),
        language=shown(pick(LANGUAGES, people.language[person]), language_unknown),
        time_zone=shown(pick([place.zone for place in PLACES], people.place[person]), zone_unknown),
    )


def consents_table(
    streams: Streams, people: People, accounts: Accounts, allowed: Permissions, said: Flags
) -> tuple[pa.Table, Ints]:
    """Give every grant and every withdrawal as a canonical consent, oldest first; and whose it is.

    `said` marks accounts whose SMS opt-out is known from their STOP only; the shop never heard of it.
    """
    sms_until = np.where(said, NEVER, allowed.sms_until)
    columns = (allowed.email_from, allowed.email_until, allowed.sms_from, sms_until)
    rows = [np.flatnonzero(~np.isnat(column)) for column in columns]
    account = np.concatenate(rows)
    kind = np.repeat(np.arange(4), [len(some) for some in rows])
    at = np.concatenate([column[some] for column, some in zip(columns, rows, strict=True)])
    order = np.lexsort((kind, account, at))
    account, kind, at = account[order], kind[order], at[order]
    person = accounts.person[account]
    grants, by_sms = kind % 2 == 0, kind >= 2
    emails = clean_emails(people, person, accounts.selves[account])
    table = canonical(
        "consents",
        "shopify",
        len(account),
        END,
        source_record_id=join("consent/", record_ids("cns", streams.first, np.arange(len(account)))),
        occurred_at=at,
        external_id=take(accounts.number, account),
        email=blank(emails, by_sms),
        phone=blank(e164(accounts.phone[account]), ~by_sms),
        channel=choose(by_sms, "sms", "email"),
        purpose="marketing",
        action=choose(grants, "grant", "revoke"),
        legal_basis="consent",
        method=choose(
            grants, choose(accounts.bare[account], "newsletter_form", "checkout_box"), "preference_centre"
        ),
        wording=pick(("Yes, keep me posted about news and offers.", None), kind % 2),
        locale=pick(LANGUAGES, people.language[person]),
    )
    return table, person
