"""Mailboxes: what is new in a folder since the mail that landed last, through `pipelines.sources.imap`."""

from collections.abc import Generator
from functools import partial
from pathlib import Path

from messaging.settings import Settings
from pipelines.pulls.deliveries import Batch
from pipelines.pulls.files import ImapPull
from pipelines.pulls.marks import Mark
from pipelines.pulls.reaching import refuse_strangers_in_demo
from pipelines.pulls.secrets import secret_names, with_secrets
from pipelines.pulls.streams import Stream
from pipelines.sources.imap import ImapMailbox, ImapMark, fetch_new

AT_ONCE = 200


def imap_stream(settings: Settings, plan: ImapPull) -> Stream:
    """Build the stream of a mailbox. Raises SettingsError where its password or token is not set."""
    document = plan.mailbox.model_dump()
    refuse_strangers_in_demo(settings, plan.mailbox.host)
    filled = with_secrets(settings, document)
    certificates = Path(filled["certificates"]) if filled["certificates"] else None
    mailbox = ImapMailbox(**(filled | {"certificates": certificates}))
    return Stream(
        name="mails",
        asked=mailbox.host,
        keys=secret_names(document),
        overlap=0,
        begin=None,
        tables=plan.tables,
        form="text",
        read=partial(_read, mailbox),
    )


def _read(mailbox: ImapMailbox, since: Mark | None) -> Generator[Batch, None, None]:
    mark = _imap_mark(since)
    while mails := list(fetch_new(mailbox, mark, AT_ONCE)):
        mark = mails[-1][1]
        yield Batch([raw for raw, _ in mails], _text(mark))


def _text(mark: ImapMark) -> str:
    """Write a mark so that the later one is the greater text: servers number anew only upwards (RFC 3501, 2.3.1.1)."""
    return f"{mark.validity:010d}/{mark.uid:010d}"


def _imap_mark(mark: Mark | None) -> ImapMark | None:
    if not isinstance(mark, str):
        return None
    validity, _, uid = mark.partition("/")
    return ImapMark(int(validity), int(uid))
