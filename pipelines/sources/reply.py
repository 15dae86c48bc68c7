"""Finds what was newly written in a mail: without quoted mails, their headings, and a signature.

Quoted lines begin with `>`, and the heading above them ends with a colon and holds a date, in whatever language. Where
nothing is marked, a heading that mail-parser-reply knows, or a block of header lines (From, Sent, To ...) ends the new text.
What stands between or under quoted lines is kept: people answer there too.
"""

import re
from collections.abc import Iterable
from functools import cache

from mailparser_reply.parser import EmailMessage

LANGUAGES = ["en", "fr", "de", "es", "it", "nl", "pl", "sv"]
HEADING_LINES = 3  # a heading may be wrapped over so many lines
HEADING_WIDTH = 200  # characters of one of them
LONGEST = 20_000  # characters that are looked at; nobody writes more by hand
_QUOTED = re.compile(r"^\s{0,3}>")
_DATED = re.compile(r"\d{1,4}[./:-]\d{1,2}|\b(19|20)\d\d\b")
_SIGNATURE = re.compile(r"^(--|__)\s*$|^[-\u2013\u2014]\s?\w[\w .'-]{1,40}$|^_{20,}$")
_BULLET = re.compile(r"^\s*[-\u2013\u2014]\s?\w")
_DEVICE = re.compile(
    r"^(Sent (from my|with|using)|Get Outlook for|Envoyé (de|depuis) mon|Von meinem .+ gesendet|Gesendet mit"
    r"|Enviado (desde|do|de) m|Skickat från min)( ?[\w().:/?&=<>-]+){0,6}$",
    re.IGNORECASE,
)
_ORIGINAL = re.compile(
    r"^\s*-{2,}\s?(Original Message|Original Appointment|Forwarded message|Ursprüngliche Nachricht|Message d'origine"
    r"|Mensaje original|Mensagem original|Ursprungligt meddelande)\s?-{2,}",
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"^[\s*>]*(From|Sent|To|Cc|Date|Subject|Von|Gesendet|An|Datum|Betreff|De|Envoyé|À|Objet|Enviado|Para|Asunto|Assunto"
    r"|Från|Skickat|Till|Ämne|От|Отправлено|Дата|Кому|Тема)\s?:[*\s]",
    re.IGNORECASE,
)
_RULE = re.compile(r"^\s*[-_]{8,}\s*$")


def new_text(body: str) -> str:
    """Give the new text of a plain-text body."""
    lines = body[:LONGEST].replace("\r\n", "\n").replace("\r", "\n").replace("\u200b", "").split("\n")
    lines = lines[: _end_of_new(lines)]
    quoted = [">" in line and bool(_QUOTED.match(line)) for line in lines]
    for start in _starts_of_quotes(quoted):
        for place in _heading_above(lines, start):
            quoted[place] = True
    written = [line for line, old in zip(lines, quoted, strict=True) if not old]
    return _squeezed(_unsigned(written))


def _end_of_new(lines: list[str]) -> int:
    """Find the line from where on everything is an older mail that is not marked line by line."""
    ends = [_header_block(lines), _known_heading(lines)]
    ends += [place for place, line in enumerate(lines) if "--" in line and _ORIGINAL.match(line)][:1]
    end = min(ends, default=len(lines))
    while end and (_RULE.match(lines[end - 1]) or not lines[end - 1].strip()):
        end -= 1
    return min(_heading_above(lines, end), default=end) if end < len(lines) else end


def _header_block(lines: list[str]) -> int:
    """Find the first two header lines in a row (blank lines between do not count) outside of quoted lines."""
    run: list[int] = []
    for place, line in enumerate(lines):
        if ":" in line and _HEADER.match(line + " ") and not _QUOTED.match(line):
            run.append(place)
            if len(run) == 2:
                return run[0]
        elif line.strip() and not (run and place - run[-1] == 1):  # a long header goes on in the next line
            run = []
    return len(lines)


def _known_heading(lines: list[str]) -> int:
    """Find a heading such as "On Monday, Ann wrote:" with no quoted line after it: what follows it is older."""
    last_quoted = max(
        (place for place, line in enumerate(lines) if ">" in line and _QUOTED.match(line)), default=-1
    )
    for place in range(last_quoted + 1, len(lines)):
        window = lines[place : place + HEADING_LINES]
        # the library's pattern takes cubic time, so it sees little at once, and only what can be a heading
        if (
            max(map(len, window)) <= HEADING_WIDTH
            and _DATED.search(text := "\n".join(window))
            and ":" in text
        ):
            match = _headings().match(text)
            if match and _DATED.search(match.group()):
                return place
    return len(lines)


@cache
def _headings() -> re.Pattern[str]:
    pattern: re.Pattern[str] = EmailMessage(text="", languages=list(LANGUAGES)).HEADER_REGEX
    return pattern


def _starts_of_quotes(quoted: list[bool]) -> list[int]:
    return [place for place, old in enumerate(quoted) if old and (place == 0 or not quoted[place - 1])]


def _heading_above(lines: list[str], start: int) -> Iterable[int]:
    """Name the lines of the heading that belongs to the quoted lines which begin at `start`, if there is one."""
    last = start - 1
    while last >= 0 and not lines[last].strip():
        last -= 1
    if last < 0 or not lines[last].rstrip().endswith(":"):
        return ()
    for first in range(last, max(last - HEADING_LINES, -1), -1):
        if not lines[first].strip():
            break
        if _DATED.search(" ".join(lines[first : last + 1])):
            return range(first, start)
    return ()


def _unsigned(lines: list[str]) -> list[str]:
    """Cut a signature off: from the first line that looks like one and has something before it."""
    first = next((place for place, line in enumerate(lines) if line.strip()), len(lines))
    for place in range(first + 1, len(lines)):
        if _DEVICE.match(lines[place].strip()) or _signs(lines, place):
            return lines[:place]
    return lines


def _signs(lines: list[str], place: int) -> bool:
    """Tell a signature's first line from a bullet: it has an empty line above and no list below."""
    if not _SIGNATURE.match(lines[place].rstrip()):
        return False
    if lines[place].strip() in {"--", "__"} or _RULE.match(lines[place]):
        return True
    bullets = sum(1 for line in lines if _BULLET.match(line))
    return bullets == 1 and not lines[place - 1].strip()


def _squeezed(lines: list[str]) -> str:
    text = "\n".join(line.rstrip() for line in lines).strip("\n")
    return re.sub(r"\n{3,}", "\n\n", text).strip()
