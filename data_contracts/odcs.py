"""Reads an ODCS 3.1 file into our own types, and checks what the library lets pass.

Who answers for the table is `team.name`; how long it is kept, and how fresh it has to be, are `slaProperties`.
Where a rule stands in the file: `odcs_columns.py` and
`odcs_tables.py`. Which keys there may be: `keys.py`. For people: docs/contracts.md.
"""

import re
from pathlib import Path
from typing import Any

import yaml
from open_data_contract_standard.model import (
    OpenDataContractStandard,
    SchemaObject,
    SchemaProperty,
    Team,
)
from pydantic import ValidationError

from data_contracts.durations import iso_duration
from data_contracts.errors import ContractError
from data_contracts.faults import File, fault
from data_contracts.keys import unknown_keys
from data_contracts.model import DEFAULT_THRESHOLD, Column, Contract, Rule, SetRule
from data_contracts.odcs_columns import ColumnRuleReader
from data_contracts.odcs_parts import Defaults, title
from data_contracts.odcs_tables import TableRuleReader
from data_contracts.places import Document, Place

SUFFIX = ".odcs.yaml"
LOGICAL_TYPES = {
    "VARCHAR": "string",
    "BIGINT": "integer",
    "INTEGER": "integer",
    "DOUBLE": "number",
    "BOOLEAN": "boolean",
    "TIMESTAMP": "timestamp",
    "DATE": "date",
}
CLASSIFICATIONS = ("internal", "personal", "sensitive")
SLA = ("retention", "latency", "frequency")
TABLE: Place = ("schema", 0)


def read_contract(path: Path) -> Contract:
    """Read one contract file. Raises ContractError, with the line, where it breaks the standard or what we add to it."""
    try:
        document = Document(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ContractError(f"The contract {path} cannot be read.", "Check the path.") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise fault(path, line, f"this is no YAML ({error.problem})") from error
    except (yaml.YAMLError, ValueError) as error:
        raise fault(path, 1, f"this is no YAML ({str(error).splitlines()[0]})") from error
    return _Reader(File(path, document)).contract()


class _Reader:
    """Turns one parsed document into a Contract."""

    def __init__(self, file: File) -> None:
        self.file = file

    def contract(self) -> Contract:
        document = self._parsed()
        self._check_head(document)
        table = self._only_table(document)
        about = document.description
        owner = self._owner(document)
        retention, by_column = self._retention(document, table)
        threshold = self._threshold(document)
        defaults = Defaults(owner, threshold, {c.name: c for c in table.properties or []})
        rules = ColumnRuleReader(self.file, defaults)
        columns = tuple(
            self._column(rules, item, (*TABLE, "properties", index), retention, by_column)
            for index, item in enumerate(table.properties or [])
        )
        cross, sets = TableRuleReader(self.file, defaults).of_table(table, document.slaProperties or [])
        self._check_names(columns, cross, sets)
        return Contract(
            name=str(table.name),
            version=str(document.version),
            purpose=(about.purpose if about else "") or "",
            usage=(about.usage if about else "") or "",
            limitations=(about.limitations if about else "") or "",
            grain=table.dataGranularityDescription or "",
            quarantine_threshold=threshold,
            columns=columns,
            cross_rules=cross,
            set_rules=sets,
            owner=owner,
            retention=retention,
        )

    def _parsed(self) -> OpenDataContractStandard:
        values = self.file.document.values
        self.file.need(isinstance(values, dict), (), "this is no YAML mapping of keys to values")
        for place, what in unknown_keys(values):
            self.file.refuse(place, what)
        try:
            return OpenDataContractStandard.model_validate(values, extra="forbid")
        except ValidationError as error:
            first = error.errors()[0]
            what = ".".join(str(part) for part in first["loc"])
            line = self.file.document.line(first["loc"])
            raise fault(self.file.path, line, f"ODCS 3.1 is broken at {what} ({first['msg']})") from error

    def _check_head(self, document: OpenDataContractStandard) -> None:
        for key in ("kind", "apiVersion", "id", "version", "status", "name"):
            self.file.need(getattr(document, key), (), f"the contract has no {key}")
        self.file.need(document.kind == "DataContract", ("kind",), "the kind is not DataContract")
        self.file.need(
            str(document.apiVersion).startswith("v3.1"),
            ("apiVersion",),
            f"the contract is of ODCS {document.apiVersion}, not of v3.1",
        )
        about = document.description
        self.file.need(about and about.purpose, ("description",), "the contract has no description.purpose")

    def _only_table(self, document: OpenDataContractStandard) -> SchemaObject:
        tables = document.schema_ or []
        self.file.need(
            len(tables) == 1, ("schema",), f"the contract describes {len(tables)} tables instead of one"
        )
        table = tables[0]
        expected = self.file.path.name.removesuffix(SUFFIX)
        self.file.need(
            table.name == expected == document.name,
            (*TABLE, "name") if table.name != expected else ("name",),
            f"the table should be named {expected}, as its file is",
        )
        self.file.need(table.properties, TABLE, "the table has no columns")
        return table

    def _owner(self, document: OpenDataContractStandard) -> str:
        team = document.team
        if team is None:
            return ""
        named = isinstance(team, Team) and team.name
        self.file.need(named, ("team",), "the team has no name; write who answers for the table as team.name")
        assert isinstance(team, Team)
        return str(team.name)

    def _threshold(self, document: OpenDataContractStandard) -> float:
        value, place = self.file.custom(document, (), "quarantineThreshold")
        return (
            DEFAULT_THRESHOLD if value is None else self.file.share(value, place, "the quarantineThreshold")
        )

    def _retention(
        self, document: OpenDataContractStandard, table: SchemaObject
    ) -> tuple[str, dict[str, str]]:
        """Read how long the table is kept, and each column that is kept otherwise."""
        whole, by_column = "", {}
        known = {f"{table.name}.{column.name}": str(column.name) for column in table.properties or []}
        for index, item in enumerate(document.slaProperties or []):
            place: Place = ("slaProperties", index)
            self.file.need(
                item.property in SLA,
                (*place, "property"),
                f"the service level {item.property!r} is none that we keep; known are {', '.join(SLA)}",
            )
            if item.property != "retention":
                continue
            duration = iso_duration(item.value, item.unit)
            if duration is None:
                self.file.refuse(
                    (*place, "value"),
                    f"the retention {item.value!r} {item.unit or 'without a unit'} is no span of time;"
                    " write a whole number and the unit y, month, d or h",
                )
            if item.element in {None, table.name}:
                whole = duration
                continue
            for element in str(item.element).split(","):
                self.file.need(
                    element.strip() in known,
                    (*place, "element"),
                    f"the retention is of an unknown column {element.strip()}; write {table.name}.<column>",
                )
                by_column[known[element.strip()]] = duration
        return whole, by_column

    def _column(
        self,
        rules: ColumnRuleReader,
        item: SchemaProperty,
        place: Place,
        retention: str,
        by_column: dict[str, str],
    ) -> Column:
        name, kind, shade = item.name or "", item.physicalType or "", item.classification
        need = self.file.need
        plain = re.fullmatch("[a-z][a-z0-9_]*", name)
        need(plain, (*place, "name"), f"the column is named {name!r}; use lower_snake_case")
        need(item.description, (*place, "description"), f"the column {name} has no description")
        need(
            kind in LOGICAL_TYPES,
            (*place, "physicalType"),
            f"the column {name} has the physicalType {kind!r}; legal are {', '.join(LOGICAL_TYPES)}",
        )
        need(
            item.logicalType == LOGICAL_TYPES[kind],
            (*place, "logicalType"),
            f"the column {name} has the logicalType {item.logicalType}, which is not {kind}",
        )
        need(
            shade in CLASSIFICATIONS,
            (*place, "classification"),
            f"the column {name} is classified as {shade!r}; legal are {', '.join(CLASSIFICATIONS)}",
        )
        return Column(
            name=name,
            type=kind,
            description=item.description or "",
            required=bool(item.required),
            classification=shade,  # type: ignore[arg-type]
            title=title(item),
            rules=tuple(rules.of_column(item, place)),
            retention=by_column.get(name, retention),
            history=self._yes(item, place, "history"),
            profiling=self._yes(item, place, "profiling"),
        )

    def _yes(self, item: SchemaProperty, place: Place, name: str) -> bool:
        """Read whether something is true of the column, such as that each change of it is kept (`history`)."""
        value, at = self.file.custom(item, place, name)
        legal = value is None or isinstance(value, bool)
        self.file.need(legal, at, f"the {name} of {item.name} is {value!r}; legal are true and false")
        return bool(value)

    def _check_names(
        self, columns: tuple[Column, ...], cross: tuple[Rule, ...], sets: tuple[SetRule, ...]
    ) -> None:
        self._once([column.name for column in columns], "columns", (*TABLE, "properties"))
        rules: list[Rule | SetRule] = [rule for column in columns for rule in column.rules]
        self._once([rule.name for rule in (*rules, *cross, *sets)], "rules", (*TABLE, "quality"))

    def _once(self, names: list[str], what: str, place: Place) -> None:
        twice = [name for index, name in enumerate(names) if name in names[:index]]
        if twice:
            at = self._last(twice[0], place)
            self.file.refuse(at, f"the table has {what} twice: {', '.join(dict.fromkeys(twice))}")

    def _last(self, name: str, place: Place) -> Place:
        """Find the last item of a list that has the name."""
        items: Any = self.file.document.values
        for part in place:
            items = items.get(part, []) if isinstance(items, dict) else items[part]
        at = [index for index, item in enumerate(items) if item.get("name") == name]
        return (*place, at[-1], "name") if at else place
