"""Opt-ins and opt-outs found in landed data become consent events of the operational store, each once.

Ingest has taken the opt-outs to the store already (`pipelines.sources.opt_outs`); this is the second net, and it knows the
people whom a record is about. Starts are not imported: to write again to somebody who once said stop takes a consent, not
an old text message.
"""

from datetime import datetime

from data_contracts.sql import Sql
from messaging.addresses import read_addresses
from messaging.consent_imports import ImportCounts, ImportedConsent, record_imports
from messaging.settings import Settings
from messaging.store import Store
from pipelines.settings import home_region
from pipelines.sources.opt_outs import TABLES, Arrival, find_words, record_words
from pipelines.warehouse.connection import open_warehouse

_IMPORTS = """
    SELECT customer_id, source, source_record_id, channel, purpose, action, legal_basis, occurred_at, method,
        wording, locale, address
    FROM marts.consent_imports
"""
_PEOPLE = Sql("identity.identity_map")


def push_consents(settings: Settings, store: Store, recorded_at: datetime) -> dict[str, int]:
    """Record imported consents and opt-outs that the store does not know yet; gives counts.

    `recorded_at` is naive UTC.
    """
    addresses = read_addresses(settings, store)
    arrival, said = Arrival(recorded_at, home_region(settings)), ImportCounts(0, 0, 0)
    landed = {table: Sql(f"staging.stg_landing__{table}") for table in TABLES}
    with open_warehouse(settings.build_path, read_only=True) as connection:
        imports = [ImportedConsent(*row) for row in connection.execute(_IMPORTS).fetchall()]
        counts = record_imports(store, addresses, imports, recorded_at)
        for words in find_words(connection, landed, _PEOPLE):
            said += record_words(store, addresses, words, arrival)
    return {
        "consents_recorded": counts.recorded,
        "consents_already": counts.already,
        "consents_unusable": counts.unusable,
        "opt_outs_recorded": said.recorded,
        "opt_outs_already": said.already,
    }
