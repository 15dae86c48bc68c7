"""Check the templates of a library, file by file: what is wrong, and what could be better."""

import re

from data_contracts.errors import TemplateError
from data_contracts.model import Contract
from messaging.campaigns import Library
from messaging.rendering import Compiled, Template, read_template
from messaging.rendering.checking import check_contract
from messaging.rendering.designs import Design
from messaging.rendering.environment import check_source
from messaging.rendering.findings import Finding
from messaging.rendering.linting import MOST_SEGMENTS, lint
from messaging.rendering.templates import OWN_LANGUAGE, SURROUNDINGS

LINE = re.compile(r"[Ll]ine (\d+)")
LEADING_LINE = re.compile(r"^Line \d+: ")


def check_templates(
    library: Library, name: str | None = None, most_segments: int = MOST_SEGMENTS
) -> list[Finding]:
    """Check one template in all its channels and languages, or all of them: errors first in each file.

    Raises NotFoundError where there is no such template, LibraryError where the layout itself is wrong.
    """
    design = library.design()
    found: list[Finding] = []
    for each in [name] if name is not None else library.template_names():
        for channel, texts in library.template_texts(each).items():
            for language, text in texts.items():
                found += _check(library, channel, each, language, text, design, most_segments)
    return list(dict.fromkeys(found))  # what is wrong in the layout is told once


def _check(  # noqa: PLR0913, PLR0917 - what makes a file
    library: Library, channel: str, name: str, language: str, text: str, design: Design, most_segments: int
) -> list[Finding]:
    suffix = "" if language == OWN_LANGUAGE else f".{language}"
    file = f"templates/{channel}/{name}{suffix}.j2"
    try:
        template = read_template(channel, name, language, text, design)
    except TemplateError as error:
        return [_refused(file, _line_of(error), error)]
    if found := _unreadable(template, library.contract):
        return [found]
    if errors := check_contract(template, library.contract):
        return errors
    return lint(template, library.contract, most_segments)


def _unreadable(template: Template, contract: Contract) -> Finding | None:
    """Find what keeps a template from being read at all, at the line where it was written."""
    columns = [column.name for column in contract.columns]
    known = {*columns, *SURROUNDINGS, *template.needs}
    try:
        check_source(template.source, known)
    except TemplateError as error:
        return _refused(*template.origin(_line_of(error)), error)
    try:
        check_source(template.subject, known)
    except TemplateError as error:
        return _refused(template.file, template.head_line("subject"), error)
    try:
        check_source(template.text or "", known)
    except TemplateError as error:
        return _refused(template.file, template.text_at + _line_of(error), error)
    try:
        Compiled(template, columns)
    except TemplateError as error:
        return _refused(template.file, 0, error)
    return None


def _line_of(error: TemplateError) -> int:
    found = LINE.search(error.message)
    return int(found[1]) if found else 0


def _refused(file: str, line: int, error: TemplateError) -> Finding:
    sentence = LEADING_LINE.sub("", error.message)
    return Finding("error", "refused", file, line, sentence[:1].upper() + sentence[1:], error.mend)
