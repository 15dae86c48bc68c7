"""A file of consents, tried before it counts: which of its rows are good, which are refused and why, and how many are news.

A file is taken whole or refused whole, as at the command line: of one with a refused row nothing is recorded.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from data_contracts.errors import RefusedError, UsageError
from messaging import audit
from messaging.addresses import read_addresses
from messaging.clock import Clock
from messaging.consent_files import ConsentFile, Fault, read_consents
from messaging.consent_imports import ImportCounts, ImportedConsent, foresee_imports, record_imports
from messaging.customers import Customers
from messaging.customers.published import strangers
from messaging.identity_decisions.said import checked_words
from messaging.release import is_published
from messaging.settings import Settings
from messaging.store import Store

LONGEST_SOURCE = 60  # characters
STRANGER = "customer_id is nobody's in the newest release; give Rapport's own id (cus_…), or an address"


@dataclass(frozen=True)
class Tried:
    """What a file would do. `consents` are its good rows; `counts` tells how many of them are news by now."""

    source: str
    consents: tuple[ImportedConsent, ...]
    faults: tuple[Fault, ...]
    counts: ImportCounts

    @property
    def yes(self) -> int:
        """How many of the good rows are somebody's yes."""
        return sum(each.action == "grant" for each in self.consents)

    @property
    def rows(self) -> int:
        """How many rows the file has."""
        return len(self.consents) + len(self.faults)


def try_file(  # noqa: PLR0913 - the parts of the company, and the file
    settings: Settings,
    customers: Customers,
    store: Store,
    clock: Clock,
    *,
    content: bytes,
    name: str,
    source: str,
) -> Tried:
    """Read a file that came from `source` and say what recording it would do; nothing is.

    Raises InputError where it is no CSV of consents at all, and UsageError for a source without a name.
    """
    source = checked_words(source, "name of where they come from", LONGEST_SOURCE)
    file = _without_strangers(customers, read_consents(content, name, source, clock.now()))
    consents = tuple(file.consents.values())
    counts = foresee_imports(store, read_addresses(settings, store), consents)
    return Tried(source, consents, file.faults, counts)


def take_over(settings: Settings, store: Store, clock: Clock, tried: Tried, *, actor: str) -> ImportCounts:
    """Record a file that was tried, which the audit keeps before the first row. Each word of a record counts once.

    Rows go in transactions of a few thousand, so that a STOP never waits behind them. Where the machine stops in
    between, the same file again records the rest. Raises RefusedError where a row of it was refused.
    """
    if tried.faults:
        raise RefusedError(
            f"{len(tried.faults)} of {tried.rows} rows were refused; a file is taken whole or not at all.",
            "Mend these rows and try the file again.",
        )
    if not tried.consents:
        raise UsageError("The file holds no row.", "Give one with a row for each consent.")
    now = clock.now()
    with store.write() as connection:
        detail = {"rows": tried.rows, "news": tried.counts.recorded}
        audit.record(connection, actor, "consent.import", tried.source, detail, at=now)
    return record_imports(store, read_addresses(settings, store), tried.consents, now)


def _without_strangers(customers: Customers, file: ConsentFile) -> ConsentFile:
    """Refuse rows that name ids of nobody: a word about another system's number would hold for nobody."""
    unknown = unknown_among(customers, (each.customer_id for each in file.consents.values()))
    theirs = {line for line, each in file.consents.items() if each.customer_id in unknown}
    faults = (*file.faults, *(Fault(line, STRANGER) for line in theirs))
    kept: Mapping[int, ImportedConsent] = {
        line: each for line, each in file.consents.items() if line not in theirs
    }
    return ConsentFile(file.name, kept, tuple(sorted(faults, key=lambda each: each.line)))


def unknown_among(customers: Customers, customer_ids: Iterable[str | None]) -> frozenset[str]:
    """Name the ids that nobody has or ever had; none while there is no release to ask."""
    named = {each for each in customer_ids if each}
    if not named or not is_published(customers.reader):
        return frozenset()
    with customers.reader.snapshot() as snapshot:
        return strangers(snapshot, named)
