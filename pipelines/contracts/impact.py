"""What a change of a contract breaks, by name: models, mappings, segments, templates and campaigns."""

from collections.abc import Mapping as Mapped
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from data_contracts.contracts import contract_names, inbound_contracts
from data_contracts.differences import Difference, diff
from data_contracts.errors import RapportError, UsageError
from data_contracts.model import Contract
from messaging.settings import Settings
from pipelines.contracts.library import LibraryUses, library_uses
from pipelines.contracts.lineage import Field, Lineage, read_lineage
from pipelines.sources.mapping import MADE_BY_US, Mapping, load_mapping, mapping_names
from pipelines.warehouse.dbt_runner import compiled_manifest

VIEW = "customer_360"
IDENTITY = "int_identity__identifiers"
OUTSIDE = {  # what dbt reads and neither a contract nor a seed describes
    "identity.identity_map": ["source", "source_record_id", "customer_id"],
    "identity.customer_identifiers": [
        *(
            "customer_id",
            "identifier_type",
            "value",
            "source_count",
            "first_seen_at",
            "last_seen_at",
            "is_best",
        )
    ],
    "identity.identity_evidence": ["customer_id", "kind", "weight"],
    "identity.identity_alias": ["old_customer_id", "customer_id", "at", "reason"],
}
LANDED = ["landing_id", "row_hash"]  # what landing adds to every table
IN_CODE = {"email_messages": "the reader mail", "outreach": "the reader of our own store"}


@dataclass(frozen=True)
class Impact:
    """One difference and whom it breaks, by name. `feeds` are published columns that are made from the changed one."""

    difference: Difference
    models: tuple[str, ...] = ()
    mappings: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()
    library: LibraryUses = field(default_factory=LibraryUses)

    @property
    def breaks(self) -> dict[str, tuple[str, ...]]:
        """Give whom it breaks, by kind; empty for a compatible difference."""
        if self.difference.kind != "breaking":
            return {}
        found = {
            "models": self.models,
            "mappings": self.mappings,
            **asdict(self.library),
            "feeds": self.feeds,
        }
        return {kind: names for kind, names in found.items() if names}

    def to_document(self) -> dict[str, Any]:
        """Give the difference as plain data."""
        return {
            "kind": self.difference.kind,
            "what": self.difference.what,
            "columns": list(self.difference.columns),
            "breaks": {kind: list(names) for kind, names in self.breaks.items()},
        }


def weigh(old: Contract, new: Contract, settings: Settings) -> list[Impact]:
    """Compare two versions of a contract and find whom each difference breaks, the breaking ones first.

    Raises UsageError where they are of two tables.
    """
    if old.name != new.name:
        raise UsageError(
            f"{old.name} and {new.name} are two tables, not two versions of one.",
            "Name the table, and a file of the same name with what is to change.",
        )
    differences = diff(old, new)
    if not any(difference.kind == "breaking" for difference in differences):
        return [Impact(difference) for difference in differences]
    lineage = read_lineage(manifest := compiled_manifest(settings.home), _tables(manifest, old))
    mappings = _mappings(settings, old.name)
    return [_impact(difference, old, lineage, mappings, settings.library_dir) for difference in differences]


def _impact(
    difference: Difference,
    old: Contract,
    lineage: Lineage,
    mappings: Mapped[str, Mapping | None],
    library: Path,
) -> Impact:
    if difference.kind != "breaking":
        return Impact(difference)
    concerns = difference.concerns
    columns = difference.columns or tuple(old.duckdb_columns())
    filled_by = _filled_by(mappings, columns, concerns) if concerns != "readers" else ()
    if concerns not in {"readers", "everybody"}:
        return Impact(difference, mappings=filled_by)
    fields = [Field(_table(old), column) for column in columns]
    models = {model.path: None for each in fields for model in lineage.users(each)}
    if (
        not difference.columns
    ):  # of the whole table: everything hangs on it, and a list of everything tells nothing
        return Impact(difference, tuple(models), filled_by)
    fed = [
        found for each in fields for found in lineage.made_from(each, "marts") if found.table != _table(old)
    ]
    seen = {each.column for each in (*fed, *fields) if each.table == f"marts.{VIEW}"}
    feeds = [str(each) for each in fed]
    if any(
        found.table.endswith(IDENTITY) for each in fields for found in lineage.made_from(each, "intermediate")
    ):
        feeds.append("who is whom (identity)")
    return Impact(
        difference,
        tuple(models),
        filled_by,
        tuple(dict.fromkeys(feeds)),
        library_uses(library, seen) if seen else LibraryUses(),
    )


def _filled_by(
    mappings: Mapped[str, Mapping | None], columns: tuple[str, ...], concerns: str
) -> tuple[str, ...]:
    """Name the mappings that fill one of the columns, or, where one has to be given now, those that do not."""
    named = []
    for name, mapping in mappings.items():
        fills = mapping is None or any(
            column in MADE_BY_US
            or column in mapping.columns
            or any(column in row.columns for row in mapping.also)
            for column in columns
        )
        if mapping is None or fills == (concerns != "lacking"):
            named.append(name)
    return tuple(named)


def _mappings(settings: Settings, table: str) -> dict[str, Mapping | None]:
    """Give the mappings that fill a table, shipped ones and the company's own; None for what only its code tells."""
    own = settings.mappings_dir
    found: dict[str, Mapping | None] = {}
    for name in mapping_names(own):
        try:
            mapping = load_mapping(name, own)
        except RapportError:
            found[f"{name} (which cannot be read)"] = None
            continue
        if mapping.table == table:
            found[_shown(mapping.path, own)] = mapping
    if table in IN_CODE:
        found[IN_CODE[table]] = None
    return found


def _shown(path: Path, own: Path) -> str:
    """Name a mapping file: the company's own from its home, a shipped one from the mappings."""
    return f"mappings/{path.name}" if path.parent == own else f"{path.parent.name}/{path.name}"


def _table(contract: Contract) -> str:
    side = "marts" if contract.name in contract_names("published") else "landing"
    return f"{side}.{contract.name}"


def _tables(manifest: Mapped[str, Any], changed: Contract) -> dict[str, list[str]]:
    """Give the columns of all that dbt reads and does not make; of the changed table, those of its old version."""
    contracts = {f"landing.{name}": contract for name, contract in inbound_contracts().items()}
    contracts |= {_table(changed): changed} if _table(changed).startswith("landing.") else {}
    tables = {table: [*contract.duckdb_columns(), *LANDED] for table, contract in contracts.items()}
    for node in manifest["nodes"].values():
        if node["resource_type"] == "seed":
            tables[f"{node['schema']}.{node['alias']}"] = list(node["columns"])
    return tables | OUTSIDE
