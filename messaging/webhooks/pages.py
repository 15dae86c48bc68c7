"""The pages that customers see, in the company's name and their language; what acts is a button: scanners follow links."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.responses import HTMLResponse

from messaging.brand import inlined, worn
from messaging.colours import darker
from messaging.settings import Settings
from messaging.webhooks.confirming import Request
from messaging.webhooks.words import DEFAULT, Words, all_words

ACCENT, ACCENT_PRESSED = "#1f5f5b", "#184b48"  # where the company has no colour of its own
PRESSED = 0.8  # of the light of a button that is pointed at
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors "
)
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",  # the address of the page is what acts
    "Vary": "Accept-Language",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


@dataclass(frozen=True)
class Choice:
    """One box of the preference page."""

    field: str
    label: str
    on: bool
    hint: str = ""


class Pages:
    """Draws the pages of one company."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._company = settings, settings.company_name
        loader = PackageLoader("messaging.webhooks", ".")
        self._templates = Environment(loader=loader, autoescape=select_autoescape())

    def ask(self, channel: str, lang: str = DEFAULT, preferences: str = "") -> HTMLResponse:
        """Ask whether these messages should end; opening this page changes nothing."""
        words = all_words()[lang]
        further = (preferences, words.more) if preferences else None
        texts = self._filled(words, words.leave_title, words.leave_text, channel)
        return self._draw(lang, *texts, button=words.leave_button, link=further)

    def done(self, channel: str, lang: str = DEFAULT) -> HTMLResponse:
        """Say that they have ended."""
        words = all_words()[lang]
        return self._draw(lang, *self._filled(words, words.left_title, words.left_text, channel))

    def ask_consent(self, request: Request, lang: str = DEFAULT) -> HTMLResponse:
        """Ask whether they agree; opening this page changes nothing."""
        words = all_words()[lang]
        if request.granted:
            return self.confirmed(request.channel, lang)
        if not request.waits:
            return self.too_late(lang)
        return self._draw(lang, words.agree_title, request.wording, button=words.agree_button)

    def confirmed(self, channel: str, lang: str = DEFAULT) -> HTMLResponse:
        """Say that their consent is recorded, and how to take it back."""
        words = all_words()[lang]
        return self._draw(lang, *self._filled(words, words.agreed_title, words.agreed_text, channel))

    def too_late(self, lang: str = DEFAULT) -> HTMLResponse:
        """Say that a request ran out."""
        words = all_words()[lang]
        return self._draw(lang, words.late_title, words.late_text, status=410)

    def unknown(self, lang: str = DEFAULT) -> HTMLResponse:
        """Say that a link is none of ours, without telling what would be one."""
        words = all_words()[lang]
        return self._draw(lang, words.unknown_title, words.unknown_text, status=404)

    def preferences(self, choices: Sequence[Choice], lang: str, *, saved: bool) -> HTMLResponse:
        """Show what somebody may get from us, each with its box."""
        note = all_words()[lang].saved if saved else ""
        return self._draw(lang, *self._asking(lang), note=note, **self._boxes(choices, lang))

    def shown_preferences(self, choices: Sequence[Choice], lang: str) -> str:
        """Give the HTML of the same page for somebody to look at: nothing in it leads anywhere, or can be pressed."""
        logo = worn(self._settings).logo
        places = self._boxes(choices, lang) | ({"logo": inlined(logo)} if logo else {})
        return self._rendered(lang, *self._asking(lang), dead=True, **places)

    def _asking(self, lang: str) -> tuple[str, str]:
        words = all_words()[lang]
        return words.preferences_title, words.preferences_text.format(company=self._company)

    def _boxes(self, choices: Sequence[Choice], lang: str) -> dict[str, Any]:
        return {"template": "preferences.html", "choices": choices, "save": all_words()[lang].save}

    def contact(  # noqa: PLR0913 - what a form shows
        self,
        form: str,
        lang: str,
        *,
        given: Mapping[str, str] | None = None,
        wrong: str = "",
        embedded: bool = False,
        framed_by: str = "",
    ) -> HTMLResponse:
        """Show the contact form, with what was `given` where something is `wrong` with it."""
        words = all_words()[lang]
        return self._draw(
            lang,
            words.contact_title,
            words.contact_text,
            template="contact.html",
            form=form,
            words=words,
            given=given or {},
            note=wrong,
            wrong=bool(wrong),
            embedded=embedded,
            framed_by=framed_by,
            status=400 if wrong else 200,
        )

    def sent(self, lang: str, *, embedded: bool, framed_by: str) -> HTMLResponse:
        """Say that a message of the form is here."""
        words = all_words()[lang]
        where: dict[str, Any] = {"embedded": embedded, "framed_by": framed_by}
        return self._draw(lang, words.sent_title, words.sent_text, **where)

    def too_many(self, lang: str, *, embedded: bool, framed_by: str) -> HTMLResponse:
        """Ask for patience."""
        words = all_words()[lang]
        where: dict[str, Any] = {"embedded": embedded, "framed_by": framed_by}
        return self._draw(lang, words.many_title, words.many_text, status=429, **where)

    def _filled(self, words: Words, title: str, sentence: str, channel: str) -> tuple[str, str]:
        told = {"channel": words.many(channel), "company": self._company}
        return title.format(**told), sentence.format(**told)

    def _draw(  # noqa: PLR0913 - the places of a page
        self,
        lang: str,
        title: str,
        sentence: str,
        *,
        template: str = "page.html",
        status: int = 200,
        embedded: bool = False,
        framed_by: str = "",
        **places: Any,
    ) -> HTMLResponse:
        text = self._rendered(lang, title, sentence, template=template, embedded=embedded, **places)
        pictures = "img-src 'self'; " if worn(self._settings).logo else ""
        policy = {"Content-Security-Policy": pictures + _POLICY + (framed_by or "'none'")}
        return HTMLResponse(text, status_code=status, headers=_HEADERS | policy)

    def _rendered(
        self, lang: str, title: str, sentence: str, *, template: str, embedded: bool = False, **places: Any
    ) -> str:
        brand = worn(self._settings)
        served = f"{urlsplit(self._settings.public_url).path.rstrip('/')}/a/"
        common = {
            "company": self._company,
            "accent": brand.colour or ACCENT,
            "pressed": darker(brand.colour, PRESSED) if brand.colour else ACCENT_PRESSED,
            "logo": f"{served}{brand.logo.name}" if brand.logo else "",
            "lang": lang,
            "languages": [(code, words.name) for code, words in all_words().items()],
            "query": "&embed=1" if embedded else "",
            "title": title,
            "sentences": [sentence],
            "embedded": embedded,
        }
        return self._templates.get_template(template).render(common | places)
