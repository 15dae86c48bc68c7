"""What could be better about a template: what costs more than it seems, what readers are owed, what looks broken.

Nothing of it stops a plan. Lengths are those of a message to somebody of whom everything is known.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import Any

from data_contracts.model import Column, Contract
from messaging.rendering.findings import Finding
from messaging.rendering.segments import outside_gsm7
from messaging.rendering.templates import (
    EXAMPLE_COUPON,
    Compiled,
    NotRenderableError,
    Rendered,
    Template,
    build_context,
)

MOST_SEGMENTS = 2
LONGEST_SUBJECT = 70  # characters; telephones show 30 to 40 of them, programs on a desk about 70
FOREIGN_BRACES = re.compile(
    r"\{\{|\}\}|%7B%7B|\*\|[A-Z_]+\|\*|\[\[[^\]]*\]\]|<%.*?%>|\$\{[^}]*\}|\{[a-z_]+\}", re.IGNORECASE
)
FILLED = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
NO_HTTPS = re.compile(r"http://[^\s\"'<>]+", re.IGNORECASE)
SAMPLE_NAME = "Alexandra"
SAMPLES: dict[str, Any] = {"BOOLEAN": True, "DOUBLE": 12.5, "DATE": date(2026, 9, 30)}
SAMPLE_MOMENT = datetime(2026, 9, 30, 12, tzinfo=UTC).replace(tzinfo=None)


def lint(template: Template, contract: Contract, most_segments: int = MOST_SEGMENTS) -> list[Finding]:
    """Find what to look at again in a template that holds its contract."""
    found = [*_braces(template), *_links(template)]
    rendered = _sample(template, contract)
    if template.channel == "sms":
        found += _letters(template)
        if rendered is not None and (rendered.segment_count or 0) > most_segments:
            found.append(
                _warning(
                    template,
                    1,
                    "long_sms",
                    f"It goes in {rendered.segment_count} SMS segments, each of which is paid for;"
                    f" {most_segments} are wanted at most.",
                    "Shorten it, or allow more with --segments.",
                )
            )
        return found
    subject = rendered.subject if rendered else None
    if subject and len(subject) > LONGEST_SUBJECT:
        found.append(
            _warning(
                template,
                template.head_line("subject"),
                "long_subject",
                f"The subject has {len(subject)} characters; mail programs show {LONGEST_SUBJECT} at most.",
                "Say it in fewer words.",
            )
        )
    return [*found, *_owed(template), *_pictures(template)]


def sample_context(template: Compiled, contract: Contract, language: str) -> dict[str, Any]:
    """Fill in everything that a template may name with values such as there are."""
    facts = {column.name: _sample_value(column) for column in contract.columns}
    values = {
        name: "https://example.com/a-page" if name.endswith("_url") else "SAMPLE10"
        for name in template.template.needs
    }
    surroundings = {
        "company_name": "Company",
        "company_address": "1 High Street, Town",
        "company_colour": "#14606b",
        "company_logo_url": "https://example.com/a/logo.png",
        "currency": "EUR",
        "time_zone": "UTC",
        "language": language.split("-", maxsplit=1)[0],
        "today": SAMPLE_MOMENT,
        "unsubscribe_url": "https://example.com/u/1",
        "assets_url": "https://example.com/a",
        **({"coupon": EXAMPLE_COUPON} if template.template.shows_coupon else {}),
    }
    return build_context(facts, surroundings, values, template.names)


def _sample_value(column: Column) -> Any:
    if column.name in {"given_name", "family_name", "display_name"}:
        return SAMPLE_NAME
    if column.type.startswith("TIMESTAMP"):
        return SAMPLE_MOMENT
    return SAMPLES.get(column.type, "Kitchen" if column.type == "VARCHAR" else 12)


def _sample(template: Template, contract: Contract) -> Rendered | None:
    compiled = Compiled(template, [column.name for column in contract.columns])
    try:
        return compiled.render(sample_context(compiled, contract, template.language))
    except NotRenderableError:
        return None  # it asks for what no sample is, and a plan says so of each person


def _letters(template: Template) -> Iterator[Finding]:
    """Tell the letters that make every segment hold 70 characters and not 160, each once."""
    seen: set[str] = set()
    for number, line in enumerate(_blanked(template.source).splitlines(), 1):
        for letter in outside_gsm7(line):
            if letter not in seen:
                seen.add(letter)
                yield _warning(
                    template,
                    template.origin(number)[1],
                    "not_gsm7",
                    f"{letter!r} (U+{ord(letter):04X}) is no letter of GSM-7:"
                    " the whole message goes in segments of 70 characters in place of 160.",
                    "Write it another way, or accept the price.",
                )


def _braces(template: Template) -> Iterator[Finding]:
    for number, line in enumerate(_blanked(template.source).splitlines(), 1):
        if found := FOREIGN_BRACES.search(line):
            yield _warning(
                template,
                number,
                "left_over_braces",
                f"{found.group()!r} would stand in the message as it is.",
                "Write {{ name }}, with two braces on either side.",
                in_source=True,
            )


def _links(template: Template) -> Iterator[Finding]:
    for number, line in enumerate(template.source.splitlines(), 1):
        for found in NO_HTTPS.finditer(line):
            yield _warning(
                template,
                number,
                "no_https",
                f"The link {found.group()[:80]!r} is no https.",
                "Begin it with https://: mail programs warn of others.",
                in_source=True,
            )


def _owed(template: Template) -> Iterator[Finding]:
    """Tell what a reader of marketing is owed by law: a way out, and where we are."""
    if template.message_class != "marketing":
        return
    if "unsubscribe_url" not in "".join(FILLED.findall(template.source)):
        yield _warning(
            template,
            1,
            "no_unsubscribe",
            "It has no unsubscribe link that is filled in.",
            'Add <a href="{{ unsubscribe_url }}">.',
        )
    if "company_address" not in "".join(FILLED.findall(template.source)):
        yield _warning(
            template,
            1,
            "no_postal_address",
            "It names no postal address, which marketing by e-mail has to.",
            "Add {{ company_address }} to it or to the layout.",
        )


class _Pictures(HTMLParser):
    """Finds the lines of pictures that say nothing to who cannot see them."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[int] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"img", "mj-image"} and "alt" not in dict(attrs):  # an empty one says: this is decoration
            self.lines.append(self.getpos()[0])


def _pictures(template: Template) -> Iterator[Finding]:
    pictures = _Pictures()
    pictures.feed(template.source)
    for line in pictures.lines:
        yield _warning(
            template,
            line,
            "no_alt",
            "A picture has no alt text.",
            'Add alt="what it shows", or alt="" where it is decoration.',
            in_source=True,
        )


def _blanked(source: str) -> str:
    """Take out what is filled in, and keep every line where it was."""
    return FILLED.sub(lambda found: " " + "\n" * found.group().count("\n"), source)


def _warning(  # noqa: PLR0913 - the fields of a finding
    template: Template, line: int, code: str, sentence: str, mend: str, *, in_source: bool = False
) -> Finding:
    file, line = template.origin(line) if in_source else (template.file, line)
    return Finding("warning", code, file, line, sentence, mend)
