"""What of a mail is its writer's own word, besides its text: the subject where it is theirs, the text without a signature.

Pure.
"""

import re

from messaging.inbox.messages import Inbound

MOST_SIGNED = 4  # lines below the first one that may be a signature
MOST_NAMED = 3  # words of a name
_ANSWER = re.compile(
    r"^\s*((re|aw|antw|antwort|sv|vs|rv|r|tr|fw|fwd|wg|ref|odp)\s*(\[\d+\])?\s*:\s*)+", re.IGNORECASE
)
_SENT_FROM = re.compile(
    r"^(sent (from|with|via)|get outlook|von meinem|gesendet (von|mit)|envoyé (de|depuis)|enviado (desde|do|de|a partir)"
    r"|inviato da|verzonden|verstuurd|skickat från|wysłane z|sendt fra) .{0,60}$",
    re.IGNORECASE,
)
_GREETING = re.compile(
    r"^(thanks|thank you|many thanks|regards|kind regards|best( regards| wishes)?|cheers|yours( (sincerely|truly))?"
    r"|danke|vielen dank|viele grüße|(mit )?freundlichen? grüßen|mfg|lg|merci|cordialement|bien à vous|gracias|saludos"
    r"|obrigad[oa]|atenciosamente|grazie|saluti|bedankt|groet(en|jes)?|tack|hälsningar|pozdrawiam)[,.! ]*$",
    re.IGNORECASE,
)


def own_subject(inbound: Inbound) -> str:
    """Give a mail's subject where its writer wrote it, or where a mail says nothing else; an answer's is ours."""
    if "subject" not in inbound.payload:
        return ""
    subject = str(inbound.payload["subject"]).strip()
    bare = _ANSWER.sub("", subject).strip()
    return subject if bare == subject else "" if inbound.body.strip() else bare


def without_signature(body: str) -> str:
    """Give the first line of a text below which only a greeting, a name or the mark of a phone stands, else nothing."""
    lines = [line.strip() for line in body.splitlines() if line.strip()]
    if not 2 <= len(lines) <= 1 + MOST_SIGNED:
        return ""
    return lines[0] if all(map(_is_signature, lines[1:])) else ""


def _is_signature(line: str) -> bool:
    words = line.rstrip(",.").split()
    named = len(words) <= MOST_NAMED and all(word[0].isupper() for word in words)
    return named or bool(_SENT_FROM.match(line) or _GREETING.match(line))
