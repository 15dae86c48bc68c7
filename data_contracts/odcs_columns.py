"""Reads the rules about one column of an ODCS 3.1 file.

Where one stands (https://bitol-io.github.io/open-data-contract-standard/v3.1.0/data-quality/):
- `required`, `logicalTypeOptions` (pattern, minLength, maxLength, minimum, maximum): it follows from the column, critical;
- `quality` with `type: library`: nullValues and invalidValues (validValues or pattern).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from open_data_contract_standard.model import DataQuality, SchemaProperty

from data_contracts import sentences
from data_contracts.model import Rule
from data_contracts.odcs_parts import PartReader, title
from data_contracts.places import Place

SUFFIXES = ("type", "present", "form", "length", "range")  # of the rules that follow from a column


@dataclass(frozen=True)
class _Own:
    """What a column says about the rules that follow from it."""

    owner: str
    thresholds: dict[str, float]
    sentences: dict[str, str]


class ColumnRuleReader(PartReader):
    """Reads the rules of the columns of one contract."""

    def of_column(self, item: SchemaProperty, place: Place) -> Iterator[Rule]:
        """Read the rules that follow from a column, then those that it states."""
        own = self._own(item, place)
        for rule in self._following(item, (*place, "logicalTypeOptions")):
            suffix = rule.name.removeprefix(f"{item.name}_")
            yield replace(
                rule,
                sentence=own.sentences.get(suffix, rule.sentence),
                owner=own.owner,
                threshold=own.thresholds.get(suffix, self.defaults.threshold),
            )
        for index, quality in enumerate(item.quality or []):
            yield self._library_rule(item, quality, own, (*place, "quality", index))

    def _own(self, item: SchemaProperty, place: Place) -> _Own:
        found = {}
        for name in ("thresholds", "sentences"):
            value, at = self.file.custom(item, place, name)
            self.file.need(
                value is None or (isinstance(value, dict) and value.keys() <= set(SUFFIXES)),
                at,
                f"the {name} of {item.name} are {value!r}; write a mapping with the keys {', '.join(SUFFIXES)}",
            )
            found[name] = (value or {}, at)
        thresholds, at = found["thresholds"]
        shares = {
            suffix: self.file.share(number, (*at, suffix), f"the threshold {suffix} of {item.name}")
            for suffix, number in thresholds.items()
        }
        words = {suffix: str(text) for suffix, text in found["sentences"][0].items()}
        return _Own(self.owner(item, place, self.defaults.owner), shares, words)

    def _following(self, item: SchemaProperty, place: Place) -> Iterator[Rule]:
        name, kind, label = str(item.name), item.physicalType or "", title(item)
        if kind != "VARCHAR":
            yield Rule(f"{name}_type", "type", (name,), sentences.of_type(label, kind))
        if item.required:
            yield Rule(f"{name}_present", "present", (name,), sentences.of_presence(label))
        options = item.logicalTypeOptions or {}
        if "pattern" in options:
            pattern = self.pattern(options["pattern"], (*place, "pattern"))
            yield Rule(f"{name}_form", "pattern", (name,), sentences.of_form(label), pattern=pattern)
        low, high = options.get("minLength"), options.get("maxLength")
        if low is not None or high is not None:
            self.text_only(item, place, "a length")
            self.check_bounds(item, "BIGINT", {"minLength": low, "maxLength": high}, place)
            words = sentences.of_length(label, low, high)
            yield Rule(f"{name}_length", "length", (name,), words, minimum=low, maximum=high)
        low, high = options.get("minimum"), options.get("maximum")
        if low is not None or high is not None:
            self.check_bounds(item, kind, {"minimum": low, "maximum": high}, place)
            words = sentences.of_range(label, low, high)
            yield Rule(f"{name}_range", "range", (name,), words, minimum=low, maximum=high)

    def _library_rule(self, item: SchemaProperty, quality: DataQuality, own: _Own, place: Place) -> Rule:
        column, name, severity = str(item.name), self.name(quality, place), self.severity(quality, place)
        threshold = self.threshold(quality, place)
        owner = self.owner(quality, place, own.owner)
        known = quality.type in {None, "library"} and quality.metric in {"invalidValues", "nullValues"}
        self.file.need(
            known,
            (*place, "metric" if quality.metric else "type"),
            f"the rule {name} is none that a column can have; known are metric: nullValues and invalidValues",
        )
        if quality.metric == "nullValues":
            sentence = quality.description or sentences.of_presence(title(item))
            return Rule(name, "present", (column,), sentence, severity, owner=owner, threshold=threshold)
        self.text_only(item, (*place, "arguments"), "a list of values or a pattern")
        arguments = quality.arguments or {}
        self.file.need(
            arguments.keys() in ({"validValues"}, {"pattern"}),
            (*place, "arguments"),
            f"the rule {name} needs the argument validValues or pattern, and no other",
        )
        if "pattern" in arguments:
            pattern = self.pattern(arguments["pattern"], (*place, "arguments", "pattern"))
            sentence = quality.description or sentences.of_form(title(item))
            return Rule(
                name,
                "pattern",
                (column,),
                sentence,
                severity,
                pattern=pattern,
                owner=owner,
                threshold=threshold,
            )
        listed = arguments["validValues"]
        self.file.need(
            isinstance(listed, list) and listed and all(isinstance(value, str) for value in listed),
            (*place, "arguments", "validValues"),
            f"the rule {name} lists {listed!r}; write a list of texts (yes, no and numbers between quotes)",
        )
        values = tuple(listed)
        sentence = quality.description or sentences.of_values(title(item), values)
        return Rule(name, "values", (column,), sentence, severity, values, owner=owner, threshold=threshold)
