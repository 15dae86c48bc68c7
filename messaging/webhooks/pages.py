"""The pages that customers see: end these messages, or agree to them, by a button, because scanners follow links."""

from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.responses import HTMLResponse

from messaging.webhooks.confirming import Request

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; "
        "base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",  # the address of the page is what acts
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_WORDS = {"email": "e-mails", "sms": "text messages", "whatsapp": "WhatsApp messages"}


class Pages:
    """Draws the page of one company."""

    def __init__(self, company: str) -> None:
        self._company = company
        loader = PackageLoader("messaging.webhooks", ".")
        self._template = Environment(loader=loader, autoescape=select_autoescape()).get_template(
            "unsubscribe.html"
        )

    def ask(self, channel: str) -> HTMLResponse:
        """Ask whether these messages should end; opening this page changes nothing."""
        words = _WORDS.get(channel, "messages")
        sentence = f"We will send no more marketing {words} to the address that this link came to."
        return self._draw(f"Stop these {words}?", sentence, button="Unsubscribe")

    def done(self, channel: str) -> HTMLResponse:
        """Say that they have ended."""
        words = _WORDS.get(channel, "messages")
        sentence = f"You will get no more marketing {words} from us at this address. You may close this page."
        return self._draw("You are unsubscribed", sentence)

    def ask_consent(self, request: Request) -> HTMLResponse:
        """Ask whether they agree; opening this page changes nothing."""
        if request.granted:
            return self.confirmed(request.channel)
        if not request.waits:
            return self.too_late()
        return self._draw("Do you agree?", request.wording, button="Yes, I agree")

    def confirmed(self, channel: str) -> HTMLResponse:
        """Say that their consent is recorded, and how to take it back."""
        words = _WORDS.get(channel, "messages")
        sentence = f"We may now send you {words}. You can take that back in every one of them."
        return self._draw("Thank you", sentence)

    def too_late(self) -> HTMLResponse:
        """Say that a request ran out."""
        sentence = (
            "The time for this answer has run out, so nothing was recorded and you will not hear from us."
        )
        return self._draw("This link is too old", sentence, status=410)

    def unknown(self) -> HTMLResponse:
        """Say that a link is none of ours, without telling what would be one."""
        sentence = (
            "It is not complete, or it is too old. Please open it from the message again, or answer that "
            "message with the word STOP."
        )
        return self._draw("We do not know this link", sentence, status=404)

    def _draw(self, title: str, sentence: str, *, button: str = "", status: int = 200) -> HTMLResponse:
        text = self._template.render(company=self._company, title=title, sentences=[sentence], button=button)
        return HTMLResponse(text, status_code=status, headers=_HEADERS)
