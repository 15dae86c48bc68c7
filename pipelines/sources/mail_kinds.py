"""What kind of mail it is: written by a person, or by a program that answers, reports a failure or serves a list.

RFC 3834 (automatic answers), 3464 (delivery reports), 8098 (receipts), 5965 (complaints), 2919 and 2369 (lists), and the
headers that programs wrote before these. An out-of-office note must not be taken for a customer's answer.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from pipelines.sources.mail_headers import addresses, ids
from pipelines.sources.mime import Headers, Part, parse_mail

Kind = Literal["letter", "auto_reply", "bounce", "complaint", "list"]
_ROBOT = re.compile(r"^(mailer-daemon|postmaster|mail-daemon|maildelivery)@", re.IGNORECASE)
_FAILED = re.compile(
    r"undeliver|delivery (status|failure|has failed|report)|returned mail|mail delivery (failed|system)|failure notice"
    r"|not delivered|unzustellbar|non remis|no se ha podido entregar|mancato recapito|nicht zugestellt",
    re.IGNORECASE,
)
_ANSWERING = re.compile(  # how Outlook, Exchange and Gmail begin the subject of an absence note
    r"^\s*(automatic reply|auto(matic)? ?response|out of (the )?office|automatische antwort|abwesenheitsnotiz"
    r"|réponse automatique|absence du bureau|respuesta automática|fuera de la oficina|resposta automática"
    r"|risposta automatica|automatisch antwoord|autosvar|automatiskt svar|odpowiedź automatyczna|автоответ)\b",
    re.IGNORECASE,
)
_NAMED_RECIPIENT = re.compile(r"^[ \t]*<([^<>\s]+@[^<>\s]+)>:?[ \t]*$", re.MULTILINE)
_BETWEEN_ADDRESSES = re.compile(r"[\s<>;,\"]+")


@dataclass(frozen=True)
class Failure:
    """An address that a mail did not reach, or from which it was reported as spam; `about` is that mail's Message-ID."""

    recipient: str
    event: Literal["bounce", "deferred", "spamreport"]
    reason: str
    about: str


def find_kind(mail: Part, subject: str, own: Collection[str]) -> Kind:
    """Tell what kind of mail it is. A list of the company's own domain is its shared mailbox, so its mails are letters."""
    report = mail.parameters.get("report-type", "").lower() if mail.kind == "multipart/report" else ""
    if report == "feedback-report":
        return "complaint"
    if _is_bounce(mail, subject, report):
        return "bounce"
    if report or _is_automatic(mail.headers, subject):
        return "auto_reply"
    return "list" if _is_list(mail, own) else "letter"


def find_failures(mail: Part, kind: Kind) -> list[Failure]:
    """Name the addresses that a bounce or a complaint is about; none where the mail does not say."""
    if kind not in {"bounce", "complaint"}:
        return []
    about = _about(mail)
    reported = [failure for leaf in mail.leaves() for failure in _reported(leaf, about)]
    if reported or kind == "complaint":
        return reported or _complained(mail, about)
    named = _named(mail.headers, "x-failed-recipients")
    text = next((leaf.text for leaf in mail.leaves() if leaf.kind == "text/plain"), "")
    found = named or _NAMED_RECIPIENT.findall(text[:20_000])
    return [Failure(address.lower(), "bounce", "", about) for address in dict.fromkeys(found)]


def _is_bounce(mail: Part, subject: str, report: str) -> bool:
    if report == "delivery-status" or any(leaf.kind == "message/delivery-status" for leaf in mail.leaves()):
        actions = [fields.get("action", [""])[0].lower() for fields in _fields(mail)]
        return not actions or any(action in {"failed", "delayed", ""} for action in actions)
    if "x-failed-recipients" in mail.headers:
        return True
    writers = addresses(mail, "from")
    return bool(writers) and bool(_ROBOT.match(writers[0].address)) and bool(_FAILED.search(subject))


def _fields(mail: Part) -> list[Headers]:
    """Give the fields of each recipient in a delivery report."""
    groups = (
        parse_mail(group.strip() + b"\n\n").headers
        for leaf in mail.leaves()
        if leaf.kind == "message/delivery-status"
        for group in re.split(rb"\r?\n[ \t]*\r?\n", leaf.content)
    )
    return [group for group in groups if "final-recipient" in group or "original-recipient" in group]


def _reported(leaf: Part, about: str) -> list[Failure]:
    if leaf.kind == "message/delivery-status":
        found = (_failure(fields, about) for fields in _fields(leaf))
        return [failure for failure in found if failure is not None]
    if leaf.kind == "message/feedback-report":
        fields = parse_mail(leaf.content.strip() + b"\n\n").headers
        named = _named(fields, "original-rcpt-to")
        why = fields.get("feedback-type", [""])[0]
        return [Failure(address.lower(), "spamreport", why, about) for address in dict.fromkeys(named)]
    return []


def _failure(fields: Headers, about: str) -> Failure | None:
    action = fields.get("action", ["failed"])[0].lower()
    named = _named(fields, "original-recipient") or _named(fields, "final-recipient")
    if not named or action not in {"failed", "delayed"}:
        return None
    reason = " ".join((fields.get("status", [""])[0], fields.get("diagnostic-code", [""])[0])).strip()
    return Failure(named[0].lower(), "bounce" if action == "failed" else "deferred", reason[:1000], about)


def _named(fields: Headers, name: str) -> list[str]:
    words = _BETWEEN_ADDRESSES.split(" ".join(fields.get(name, ())))
    return [word for word in words if "@" in word.strip("@")]


def _complained(mail: Part, about: str) -> list[Failure]:
    """Take the reader of the reported mail, where the report keeps the address to itself."""
    readers = [reader for original in _originals(mail) for reader in addresses(original, "to")]
    return [Failure(reader.address, "spamreport", "", about) for reader in readers[:1]]


def _about(mail: Part) -> str:
    named = [name for original in _originals(mail) for name in ids(original, "message-id")]
    return (named or ids(mail, "in-reply-to") or ids(mail, "references")[-1:] or [""])[0]


def _originals(mail: Part) -> list[Part]:
    kinds = {"message/rfc822", "text/rfc822-headers", "message/global", "message/rfc822-headers"}
    return [parse_mail(leaf.content) for leaf in mail.leaves() if leaf.kind in kinds]


def _is_automatic(headers: Headers, subject: str) -> bool:
    submitted = headers.get("auto-submitted", ["no"])[0].partition(";")[0].strip().lower()
    if submitted not in {"no", ""} or _precedence(headers) == "auto_reply":
        return True
    marks = {"x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply", "x-autogenerated"}
    return not marks.isdisjoint(headers) or bool(_ANSWERING.match(subject))


def _is_list(mail: Part, own: Collection[str]) -> bool:
    listed = mail.header("list-id") or mail.header("list-post")
    if not listed:
        return _precedence(mail.headers) in {"list", "bulk", "junk"} or "list-unsubscribe" in mail.headers
    name = listed.rpartition("<")[2].strip(" >\t").lower()
    return not any(name.endswith((f".{domain}", f"@{domain}")) for domain in own)


def _precedence(headers: Headers) -> str:
    return headers.get("precedence", [""])[0].strip().lower()
