"""What a telephone would hear: TwiML read as Twilio's voice reads it (pure)."""

import xml.parsers.expat
from dataclasses import dataclass, field
from typing import Literal
from xml.etree import ElementTree as ET

PARSE_FAILURE, SCHEMA_WARNING = 12100, 12200  # https://www.twilio.com/docs/api/errors
VERBS = frozenset(
    ("Say", "Play", "Pause", "Hangup", "Gather", "Record", "Dial", "Redirect", "Reject", "Enqueue", "Leave")
)
SAY_ATTRIBUTES = frozenset(("voice", "language", "loop"))
LIMIT = 4000  # characters
MOST_LOOPS = 10


@dataclass(frozen=True)
class Heard:
    """One thing that is said. `language` and `voice` are empty where the TwiML names none."""

    words: str
    language: str
    voice: str
    loop: int


@dataclass
class Script:
    """What a call says, and the code of what Twilio's debugger would have against it."""

    heard: list[Heard] = field(default_factory=list)
    error: int | None = None
    left_out: list[str] = field(default_factory=list)  # verbs that exist, which the sandbox does not play


def read_twiml(text: str) -> Script:
    """Read TwiML up to where it hangs up. What is no TwiML says nothing and has an error, as at Twilio."""
    try:
        root = _parse(text)
    except (ET.ParseError, ValueError):
        return Script(error=PARSE_FAILURE)
    if root.tag != "Response":
        return Script(error=PARSE_FAILURE)
    script = Script()
    for verb in root:
        if verb.tag not in VERBS:
            script.error = SCHEMA_WARNING
        elif verb.tag == "Say":
            _hear(verb, script)
        elif verb.tag in {"Hangup", "Reject"}:
            break
        elif verb.tag != "Pause":
            script.left_out.append(verb.tag)
    return script


def _hear(verb: ET.Element, script: Script) -> None:
    loop = verb.get("loop", "1")
    if set(verb.attrib) - SAY_ATTRIBUTES or not (loop.isascii() and loop.isdecimal()):
        script.error = SCHEMA_WARNING
    times = int(loop) if loop.isascii() and loop.isdecimal() and len(loop) < 4 else 1
    words = " ".join("".join(verb.itertext()).split())
    if words:
        script.heard.append(
            Heard(
                words, verb.get("language", ""), verb.get("voice", ""), min(times or MOST_LOOPS, MOST_LOOPS)
            )
        )


def _parse(text: str) -> ET.Element:
    """Parse XML that declares nothing: entities of one's own make a small text a huge one."""
    parser = xml.parsers.expat.ParserCreate()
    declared: list[Literal[True]] = []
    parser.StartDoctypeDeclHandler = lambda *_: declared.append(True)
    try:
        parser.Parse(text.encode(), True)
    except xml.parsers.expat.ExpatError as error:
        raise ValueError(str(error)) from None
    if declared:
        raise ValueError("a document type is declared")
    return ET.fromstring(text.encode())  # noqa: S314 - nothing is declared in it
