"""Writes a proposed mapping down as YAML, with a remark wherever a person should look twice."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from pipelines.sources.evidence import Profile
from pipelines.sources.mapping import SOURCE_NAME
from pipelines.sources.proposal import Facts, Proposal

ZONED = re.compile(r"\d(Z| ?[+-]\d\d:?\d\d)$")
SAID_UTC = re.compile(r"\b(utc|gmt)\b")
OPEN_END = " --complete (if it is whole: its last line has no end)"
NAMED = 60  # columns that a remark names at most


def written(  # noqa: PLR0913 - what was found out about the file
    proposal: Proposal,
    path: Path,
    form: Mapping[str, Any],
    profiles: Sequence[Profile],
    other: str,
    *,
    open_end: bool,
) -> str:
    """Give the text of a mapping file. `other` is the table that the file looks more like, or empty."""
    table = proposal.guess.table
    command = f"rapport ingest {table} {path.name}"
    lines = [
        f"# Proposed by {command} --suggest-map. Read it through, mend what is wrong, and then:",
        f"# {command} --map THIS_FILE.yaml{OPEN_END if open_end else ''}",
        *_about_other(other, path),
        f"description: {_flow(f'{table} as in {path.name}')}",
        f"table: {table}",
        f"source: {source_name(path)} # the system that it comes from; name it as you like",
        f"format: {_flow(dict(form))}",
        *_times(proposal.facts, profiles),
        *_money(proposal),
        f"record_id: {_flow(proposal.record_id)}{_remark(_about_id(proposal))}",
        "columns:",
        *_columns(proposal),
        *_unused(proposal.unused(profiles)),
    ]
    return "\n".join(lines) + "\n"


def source_name(path: Path) -> str:
    """Make a source name of a file name: Orders 2026-10.csv is orders."""
    stem = re.sub(r"\d+", " ", path.name.partition(".")[0].lower())
    plain = re.sub(r"[^a-z]+", "_", stem).strip("_")[:40]
    return plain if SOURCE_NAME.fullmatch(plain) else "my_export"


def _about_other(other: str, path: Path) -> list[str]:
    if not other:
        return []
    return [f"# The file looks more like {other}: try rapport ingest {other} {path.name} --suggest-map"]


def _times(facts: Facts, profiles: Sequence[Profile]) -> list[str]:
    formats = f"time_formats: {_flow(list(facts.time_formats))}"
    timed = [profile for profile in profiles if profile.timed]
    texts = [text for profile in timed for text in profile.values[:50]]
    if not timed or all(ZONED.search(text) for text in texts) or facts.time_formats == ("unix",):
        return [formats]
    if any(SAID_UTC.search(profile.column.lower().replace("_", " ")) for profile in timed):
        return ["time_zone: UTC # a header says so", formats]
    return ["time_zone: company # the times carry no zone: taken for that of RAPPORT_TIME_ZONE", formats]


def _money(proposal: Proposal) -> list[str]:
    facts, lines = proposal.facts, []
    if facts.decimal == "," or facts.doubt:
        lines.append(f'decimal: "{facts.decimal}"{_remark(facts.doubt)}')
    line = proposal.lines.get("currency")
    if line is not None and any(column.endswith("_minor") for column in proposal.lines):
        expression = line.expression
        said = expression["value"] if isinstance(expression, dict) and "value" in expression else expression
        lines.append(f"currency: {_flow(said)} # it says how many decimals an amount has")
    return lines


def _columns(proposal: Proposal) -> list[str]:
    named = [column.name for column in proposal.contract.columns if column.name in proposal.lines]
    lines = [(column, proposal.lines[column]) for column in named]
    return [f"  {column}: {_flow(line.expression)}{_remark(line.remark)}" for column, line in lines]


def _about_id(proposal: Proposal) -> str:
    if "{content}" in proposal.record_id:
        return "no column names each record, so its content does; identical ones are counted"
    return "every row of the file has another one"


def _unused(columns: Sequence[str]) -> list[str]:
    more = " ..." if len(columns) > NAMED else ""
    return [f"# not used: {', '.join(map(_one_line, columns[:NAMED]))}{more}"] if columns else []


def _flow(thing: Any) -> str:
    """Write a value on one line of YAML."""
    text: str = yaml.safe_dump(
        thing, default_flow_style=True, allow_unicode=True, sort_keys=False, width=1_000_000
    )
    return text.removesuffix("\n").removesuffix("\n...")


def _remark(text: str) -> str:
    return f" # {_one_line(text)}" if text else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())
