"""Templates: a file with a head (YAML between `---`) and a body, checked once, rendered for each customer.

`templates/<channel>/<name>.j2` is the template in its own language, `<name>.<language>.j2` its translations.
A template for e-mail is HTML inside the library's layout, and its plain text is read from it. One for SMS is
plain text, whose lines are joined up to the next blank one.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Annotated, Any, Literal, cast, get_args

from jinja2 import Template as JinjaTemplate
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from data_contracts.errors import TemplateError
from data_contracts.yaml_files import YamlFile
from messaging.policy import MessageClass
from messaging.rendering.designs import CONTENT, LAYOUTS, Design, html_of, is_mjml, with_assets, with_cards
from messaging.rendering.environment import MissingValueError, check_source, make_environment, names_in
from messaging.rendering.mail import plain_text
from messaging.rendering.segments import count_segments

Channel = Literal["email", "sms"]
Purpose = Literal["marketing", "service"]
HEAD = re.compile(r"\A---\r?\n(.*?)\r?\n---\r?\n", re.DOTALL)
MEND = "Put quotes around texts with a colon; the head is YAML."
LANGUAGE = "[A-Za-z]{2,3}(-[A-Za-z0-9]+)*"
TEXT_PART = re.compile(r"^=== text ===[ \t]*\n", re.MULTILINE)  # what follows is the plain text of a mail
OWN_LANGUAGE = "en"
# What every template may name besides the columns of customer_360.
SURROUNDINGS = (
    "company_name",
    "company_address",
    "company_colour",
    "company_logo_url",
    "currency",
    "unsubscribe_url",
    "today",
    "assets_url",
    "coupon",
)
EXAMPLE_COUPON = "EXAMPLE-1234"  # where nothing is sent: a real code is drawn by a plan alone
LONGEST_VALUE = 300  # characters of one value: names and categories are short, and a body must stay one
LARGEST_HTML = 90_000  # characters of what MJML makes of a source
BARE_DESIGN = Design()
LONGEST = {"subject": 200, "sms": 1600, "email": 50_000, "html": 100_000}  # 1,600 is what Twilio takes
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


@dataclass(frozen=True)
class Template:
    """A template as it was read, in one language; `needs` are the values that a campaign has to give it.

    Who lacks a column of `only_with` is left out. `body_at` and `layout_at` are the lines before the body: in its file, and
    in the layout around it; `text_at` those before the plain text.
    """

    channel: Channel
    name: str
    language: str
    title: str
    message_class: MessageClass
    purpose: Purpose
    subject: str
    source: str
    needs: tuple[str, ...]
    hash: str
    only_with: tuple[str, ...] = ()
    head: str = field(default="", repr=False)
    html: str | None = field(default=None, repr=False)  # of an e-mail: what its source makes
    text: str | None = field(default=None, repr=False)  # of an e-mail: its plain text, where that was written
    body_at: int = 0
    body_lines: int = 0
    text_at: int = 0
    layout_at: int = 0
    layout_file: str = ""
    written_as: str | None = None  # the language in its file's name

    @property
    def file(self) -> str:
        """Name its file in the library."""
        language = "" if self.written_as in {None, OWN_LANGUAGE} else f".{self.written_as}"
        return f"templates/{self.channel}/{self.name}{language}.j2"

    @property
    def shows_coupon(self) -> bool:
        """Say whether it shows a code that is drawn for its reader; a value of the campaign may have that name, too."""
        named = names_in(self.subject) | names_in(self.source) | names_in(self.text or "")
        return "coupon" in named and "coupon" not in self.needs

    def origin(self, line: int) -> tuple[str, int]:
        """Say where a line of its source was written: in its own file, or in the layout."""
        if line <= self.layout_at:
            return self.layout_file, line
        inside = line - self.layout_at
        if inside <= self.body_lines:
            return self.file, self.body_at + inside
        return self.layout_file, line - self.body_lines

    def head_line(self, key: str) -> int:
        """Give the line of a key of its head; 1 where it is not there."""
        lines = enumerate(self.head.splitlines(), 2)
        return next((number for number, line in lines if line.startswith(f"{key}:")), 1)


@dataclass(frozen=True)
class Rendered:
    """A message as its reader will see it; `missing` names what we did not know and wrote around."""

    language: str
    subject: str | None
    body: str
    html: str | None
    segment_count: int | None
    missing: tuple[str, ...]


def _written(value: Any) -> Any:
    """Let through a day or a moment without quotes, such as the title 2026-11-27: YAML makes no text of it."""
    return str(value) if isinstance(value, date) else value


Text = Annotated[str, BeforeValidator(_written)]  # numbers become text where the model says so


class _Head(BaseModel):
    """What stands between the two lines of ---."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    title: Text | None = None
    channel: str | None = None
    class_: MessageClass = Field(alias="class")
    purpose: Purpose = "marketing"
    language: Annotated[str, Field(pattern=rf"^{LANGUAGE}$")] | None = None
    subject: Text | None = None
    needs: tuple[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]{0,59}$")], ...] | None = None
    only_with: tuple[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]{0,59}$")], ...] | None = None


class NotRenderableError(Exception):
    """One customer lacks what the template has to show; `names` are the candidates."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(", ".join(names))
        self.names = names


def read_template(
    channel: str, name: str, language: str, text: str, design: Design = BARE_DESIGN
) -> Template:
    """Read a template's file. Raises TemplateError with what is wrong in its head, in its MJML or with its pictures."""
    where = f"Template {channel}/{name} ({language})"
    found = HEAD.match(text)
    if not found:
        raise TemplateError(f"{where} needs a head between two lines of ---.", MEND)
    file = YamlFile(where, found.group(1), TemplateError, MEND, above=1)
    head = file.checked(_Head)
    if channel not in get_args(Channel) or (head.channel or channel) != channel:
        file.refuse(
            ("channel",), f"it names the channel {head.channel or channel!r}", "It has to match its folder."
        )
    rest = text[found.end() :]
    template = Template(
        channel=cast("Channel", channel),
        name=name,
        language=head.language or language,
        title=head.title or name.replace("_", " ").capitalize(),
        message_class=head.class_,
        purpose=head.purpose,
        subject=(head.subject or "").strip(),
        source=rest.strip(),
        needs=head.needs or (),
        hash=hashlib.sha256(f"{design.html}\0{text}".encode()).hexdigest()[:16],
        only_with=head.only_with or (),
        head=found.group(1),
        body_at=text[: len(text) - len(rest.lstrip())].count("\n"),
        body_lines=rest.strip().count("\n") + 1,
        written_as=language,
    )
    if channel == "email":
        template = _designed(template, text, design)
    _check_promises(template, where)
    return template


def _designed(template: Template, text: str, design: Design) -> Template:
    """Put an e-mail into its layout, with its pictures and cards, and make its HTML."""
    parts = TEXT_PART.split(template.source, maxsplit=1)
    body, words = parts[0], parts[1].strip() if len(parts) > 1 else ""
    in_mjml = is_mjml(body)
    layout = design.mjml if in_mjml else design.html
    body = body.rstrip() + "\n"
    bare = replace(
        template,
        body_lines=body.count("\n"),
        layout_at=layout[: layout.find(CONTENT)].count("\n") if CONTENT in layout else 0,
        layout_file=LAYOUTS["mjml" if in_mjml else "html"],
        text=words or None,
        text_at=text[: text.rindex(words)].count("\n") if words else 0,
    )

    def line(number: int) -> str:
        return _told_line(bare, *bare.origin(number))

    if in_mjml:
        body = with_cards(body, lambda number: line(number + bare.layout_at))
    shown = layout.replace(CONTENT, body)
    source = with_assets(shown, design.assets, line)
    html = html_of(source, bare.language, mjml_source=in_mjml, where=line)
    of_design = "" if (in_mjml, source) == (False, shown) else f"\0{layout}\0{source}"
    hashed = hashlib.sha256(f"{design.html}\0{text}{of_design}".encode()).hexdigest()[:16]
    return replace(bare, source=source, html=html, hash=hashed)


def _told_line(template: Template, file: str, number: int) -> str:
    """Name a line, with its file where that is another than the template's."""
    return f"Line {number}" if file == template.file else f"{file}, line {number}"


def _check_promises(template: Template, where: str) -> None:
    """Hold a template to what its reader is owed: a way out of marketing, a subject where there is one."""
    if template.channel == "email" and not template.subject:
        raise TemplateError(f"{where} has no subject.", "Add `subject:` to its head.")
    if template.channel == "sms" and template.subject:
        raise TemplateError(f"{where} has a subject, which a text message cannot show.", "Remove it.")
    if template.message_class != "marketing":
        return
    if template.purpose != "marketing":
        raise TemplateError(
            f"{where} is marketing for the purpose {template.purpose!r}: an opt-out of marketing would not count.",
            "Write `purpose: marketing`.",
        )
    if template.channel == "sms" and "STOP" not in template.source:
        raise TemplateError(
            f"{where} does not say how to stop.", "Add a line such as: Reply STOP to opt out."
        )
    if template.text is not None and "unsubscribe_url" not in template.text:
        raise TemplateError(
            f"The plain text of {where} has no unsubscribe link.", "Write {{ unsubscribe_url }} into it."
        )
    if template.channel == "email" and "unsubscribe_url" not in template.source:
        raise TemplateError(
            f"{where} has no unsubscribe link.", "Link {{ unsubscribe_url }} in it or in the layout."
        )


class Compiled:
    """A template that was checked against what is known of a customer, ready to be rendered many times."""

    def __init__(self, template: Template, columns: Iterable[str]) -> None:
        about_them = frozenset(columns)
        known = about_them | {*SURROUNDINGS, *template.needs}
        self.template = template
        text, html, subject = template.source, template.html, template.subject
        if html is not None:
            read = plain_text(html)  # also where a text was written: it refuses what has no place in a mail
            text = template.text or read
        parts = [template.source, subject, text]
        self.names = frozenset[str]().union(*(check_source(part, known) for part in parts))
        if html is not None:
            self.names |= check_source(html, known, LARGEST_HTML)
        self.names |= about_them & {*template.only_with}
        self._theirs = tuple(sorted(self.names & about_them))
        self._text = _compile(text, html=False)
        self._subject = _compile(subject, html=False) if subject else None
        self._html = _compile(html, html=True) if html is not None else None

    def render(self, context: Mapping[str, Any]) -> Rendered:
        """Render for one customer; build the context with `build_context`.

        Raises NotRenderableError when the customer lacks a value that the template shows without a default.
        """
        missing = tuple(name for name in self._theirs if context.get(name) in {None, ""})
        if lacking := tuple(name for name in missing if name in self.template.only_with):
            raise NotRenderableError(lacking)
        try:
            subject = self._fill(self._subject, context, "subject") if self._subject else None
            body = self._fill(self._text, context, self.template.channel)
            html = self._fill(self._html, context, "html") if self._html else None
        except (MissingValueError, TypeError, KeyError, ValueError, OverflowError) as error:
            raise NotRenderableError(missing or self._theirs) from error
        segments = count_segments(body) if self.template.channel == "sms" else None
        return Rendered(self.template.language, subject, body, html, segments, missing)

    def _fill(self, part: JinjaTemplate, context: Mapping[str, Any], kind: str) -> str:
        text = part.render(context)
        text = _tidy(text, kind)
        if not text or len(text) > LONGEST[kind]:
            raise TemplateError(
                f"Template {self.template.name} makes a text ({kind}) of {len(text)} characters.",
                f"It has to hold 1 to {LONGEST[kind]}.",
            )
        return text


def _tidy(text: str, kind: str) -> str:
    """Join the lines that a template is broken into: all of a subject, those of an SMS up to a blank one."""
    if kind == "subject":
        return " ".join(text.split())
    if kind == "sms":
        return "\n".join(" ".join(part.split()) for part in re.split(r"\n[ \t]*\n", text)).strip()
    if kind == "email":
        return (
            re.sub(r"\n{3,}", "\n\n", "\n".join(line.strip(" \t") for line in text.split("\n"))).strip()
            + "\n"
        )
    return text.strip()


def _compile(source: str, *, html: bool) -> JinjaTemplate:
    return make_environment(html=html).from_string(source)


def build_context(
    facts: Mapping[str, Any],
    surroundings: Mapping[str, Any],
    values: Mapping[str, Any],
    names: Iterable[str] | None = None,
) -> dict[str, Any]:
    """Put together what a template is filled from: plain, short, single-line values and nothing else.

    `names` are those that it uses, where they are known: of a hundred columns it shows three.
    """
    wanted = facts if names is None else facts.keys() & names
    return {key: _plain(facts[key]) for key in wanted} | dict(values) | dict(surroundings)


def _plain(value: Any) -> str | int | bool | datetime | date | None:
    if isinstance(value, str):
        return CONTROLS.sub(" ", value)[:LONGEST_VALUE].strip()
    if value is None or isinstance(value, int | datetime | date):
        return value
    return str(value)[:LONGEST_VALUE]


def choose_language(wanted: str | None, offered: Iterable[str], own: str) -> str:
    """Choose among a template's languages for somebody who reads `wanted` (BCP 47, such as de-AT)."""
    known = {each.lower(): each for each in offered}
    asked = (wanted or own).lower().replace("_", "-")
    return known.get(asked) or known.get(asked.split("-")[0]) or own
