"""The keys that a contract file may hold, and where: those that we act on, and those that only describe.

The standard knows more. A key that promises something which we would not judge is refused, for a promise that nobody
keeps is worse than none (https://bitol-io.github.io/open-data-contract-standard/v3.1.0/).
"""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from data_contracts.places import Place

_ABOUT = frozenset({"id", "tags", "authoritativeDefinitions", "customProperties"})
HEAD = _ABOUT | {
    "apiVersion", "kind", "name", "version", "status", "domain", "tenant", "dataProduct", "description", "team", "roles",
    "support", "price", "servers", "slaProperties", "slaDefaultElement", "contractCreatedTs", "schema",
}  # fmt: skip
TABLE = _ABOUT | {
    "name", "physicalType", "logicalType", "description", "businessName", "synonyms", "dataGranularityDescription",
    "properties", "quality",
}  # fmt: skip
COLUMN = _ABOUT | {
    "name", "physicalType", "logicalType", "logicalTypeOptions", "description", "businessName", "synonyms", "required",
    "classification", "examples", "semanticType", "criticalDataElement", "transformSourceObjects", "transformLogic",
    "transformDescription", "quality",
}  # fmt: skip
QUALITY = _ABOUT | {
    "name", "description", "dimension", "businessImpact", "type", "metric", "arguments", "mustBe", "mustBeGreaterThan",
    "mustBeLessOrEqualTo", "unit", "severity", "engine", "implementation",
}  # fmt: skip
SLA = _ABOUT | {"property", "value", "unit", "element", "driver", "description"}
OPTIONS = frozenset({"pattern", "minLength", "maxLength", "minimum", "maximum"})

OWN_HEAD = frozenset({"quarantineThreshold"})
OWN_COLUMN = frozenset({"owner", "thresholds", "sentences", "history", "profiling"})
OWN_RULE = frozenset({"owner", "threshold"})
OWN_SLA = frozenset({"owner", "severity", "column"})


def unknown_keys(document: dict[str, Any]) -> Iterator[tuple[Place, str]]:
    """Find keys and custom properties that a contract may not hold: each with its place and what is wrong with it."""
    yield from _level(document, (), HEAD, OWN_HEAD, "a contract")
    for place, item in _items(document, (), "slaProperties"):
        yield from _level(item, place, SLA, OWN_SLA, "a service level")
    for place, table in _items(document, (), "schema"):
        yield from _level(table, place, TABLE, frozenset(), "a table")
        yield from _rules(table, place)
        for at, column in _items(table, place, "properties"):
            yield from _level(column, at, COLUMN, OWN_COLUMN, "a column")
            yield from _rules(column, at)
            options = column.get("logicalTypeOptions")
            if isinstance(options, dict):
                yield from _unknown(options, (*at, "logicalTypeOptions"), OPTIONS, "logicalTypeOptions")


def _rules(item: dict[str, Any], place: Place) -> Iterator[tuple[Place, str]]:
    for at, rule in _items(item, place, "quality"):
        yield from _level(rule, at, QUALITY, OWN_RULE, "a rule")


def _level(
    item: dict[str, Any], place: Place, legal: frozenset[str], own: frozenset[str], what: str
) -> Iterator[tuple[Place, str]]:
    yield from _unknown(item, place, legal, what)
    for at, entry in _items(item, place, "customProperties"):
        name = str(entry.get("property"))
        if name not in own:
            yield (*at, "property"), _sentence("custom property", name, own, what)


def _unknown(
    item: dict[str, Any], place: Place, legal: frozenset[str], what: str
) -> Iterator[tuple[Place, str]]:
    for key in item:
        if key not in legal:
            yield (*place, key), _sentence("key", str(key), legal, what)


def _sentence(kind: str, name: str, legal: frozenset[str], what: str) -> str:
    near = get_close_matches(name, legal, 1)
    hint = f"did you mean {near[0]}?" if near else f"legal are {', '.join(sorted(legal)) or 'none'}"
    return f"unknown {kind} {name} in {what}; {hint}"


def _items(item: dict[str, Any], place: Place, key: str) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Give the mappings of a list; what is none is left to the standard's own check."""
    found = item.get(key)
    for index, entry in enumerate(found if isinstance(found, list) else []):
        if isinstance(entry, dict):
            yield (*place, key, index), entry
