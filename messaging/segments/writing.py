"""A tree of rules written as the YAML that reads back to it: read(write(tree)) == tree."""

import re
import textwrap
from typing import Any

import yaml

from messaging.segments.rules import (
    Ago,
    Comparison,
    Did,
    Joined,
    Listed,
    Named,
    Rule,
    Sample,
    Segment,
    Sequence,
    Touches,
)

WIDTH = 100
ENDLESS = 10**9  # a rule stands on one line, however long
BREAKS = re.compile("[\x85\u2028\u2029\ufeff]")  # line ends to YAML, which PyYAML writes as they are (6.0.3)
MANY = frozenset({"in", "not in", "between"})  # tests that take a list


def write_segment(segment: Segment, comment: str = "") -> str:
    """Write a segment as the text of its file, under a `comment` (lines that begin with #)."""
    head = f"{comment.rstrip()}\n" if comment.strip() else ""
    where = "\n".join(_block(segment.rule, 1))
    return f"{head}{_entry('title', segment.title)}{_description(segment.description)}where:\n{where}\n"


def comment_of(text: str) -> str:
    """Give the comment that a file begins with."""
    lines = []
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            break
        lines.append(line)
    return "\n".join(lines).strip()


def document(rule: Rule) -> dict[str, Any]:  # noqa: PLR0911 - one for each kind of rule
    """Give a rule as what stands in a file."""
    match rule:
        case Comparison():
            return {"column": rule.column, "test": rule.test} | _value(rule)
        case Did():
            return {"did": _touches(rule.touches)} | _ago(rule.ago) | _times(rule)
        case Sequence():
            found: dict[str, Any] = {"sequence": [_touches(each) for each in rule.steps]}
            found["within_days"] = rule.within_days
            if rule.without:
                found["without"] = _touches(rule.without)
            return found | ({"days_ago": [rule.ago.nearest, rule.ago.farthest]} if rule.ago != Ago() else {})
        case Listed():
            return {"list": rule.name}
        case Sample():
            return {"percent": rule.percent, "salt": rule.salt}
        case Named():
            return {"segment": rule.name}
        case Joined(word="not"):
            return {"not": document(rule.rules[0])}
        case Joined():
            return {rule.word: [document(each) for each in rule.rules]}


def _block(rule: Rule, level: int) -> list[str]:
    """Write a rule as lines: what is joined as an indented list, everything else on one line."""
    indent = "  " * level
    if not isinstance(rule, Joined):
        return [f"{indent}{line}" for line in _mapping(document(rule))]
    if rule.word == "not":
        inner = rule.rules[0]
        if not isinstance(inner, Joined):
            return [f"{indent}not: {_flow(document(inner))}"]
        return [f"{indent}not:", *_block(inner, level + 1)]
    lines = [f"{indent}{rule.word}:"]
    for each in rule.rules:
        if isinstance(each, Joined):
            first, *rest = _block(each, level + 2)
            lines += [f"{indent}  - {first.strip()}", *rest]
        else:
            lines.append(f"{indent}  - {_flow(document(each))}")
    return lines


def _mapping(rule: dict[str, Any]) -> list[str]:
    return [f"{key}: {_flow(value)}" for key, value in rule.items()]


def _flow(value: Any) -> str:
    """Write a value on one line."""
    if not isinstance(value, list | dict):
        return _flow([value])[1:-1]  # alone it would end with the three points of a document
    written = _dumped(value, plain=True)
    return _dumped(value, plain=False) if BREAKS.search(written) else written


def _dumped(value: Any, *, plain: bool) -> str:
    written = yaml.safe_dump(
        value, default_flow_style=True, width=ENDLESS, sort_keys=False, allow_unicode=plain
    )
    return str(written).strip()


def _entry(key: str, value: str) -> str:
    return f"{key}: {_flow(value)}\n"


def _description(text: str) -> str:
    if not text:
        return ""
    if text != " ".join(text.split()) or not text.isprintable():  # folding would change it
        return _entry("description", text)
    lines = textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)
    return "description: >\n" + "".join(f"  {line}\n" for line in lines)


def _value(rule: Comparison) -> dict[str, Any]:
    if not rule.values:
        return {}
    return {"value": list(rule.values) if rule.test in MANY else rule.values[0]}


def _touches(touches: Touches) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: values[0] if len(values) == 1 else list(values) for name, values in touches.columns
    }
    if touches.says is not None:
        found["says"] = touches.says
    if touches.at_least_minor is not None:
        found["amount_at_least"] = touches.at_least_minor
    if touches.at_most_minor is not None:
        found["amount_at_most"] = touches.at_most_minor
    return found


def _ago(ago: Ago) -> dict[str, Any]:
    if ago.farthest is None:
        return {}
    return {"days_ago": [ago.nearest, ago.farthest]} if ago.nearest else {"within_days": ago.farthest}


def _times(rule: Did) -> dict[str, Any]:
    if (rule.at_least, rule.at_most) == (1, None):
        return {}
    return {"at_least": rule.at_least} | ({} if rule.at_most is None else {"at_most": rule.at_most})
