"""A folder of an IMAP mailbox, read from a real server (Debian's Dovecot) on this machine."""

import getpass
import grp
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from imap_tools import MailBoxUnencrypted

from data_contracts.errors import InputError, ServiceError, SettingsError
from pipelines.sources import imap
from pipelines.sources.imap import ImapMailbox, ImapMark, fetch_new
from pipelines.sources.mailbox import mbox_entry

DOVECOT = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
CONFIG = """
protocols = imap
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
listen = 127.0.0.1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
auth_failure_delay = 0
mail_location = maildir:{folder}/mail/%u
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}/home/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {plain}
  }}
  inet_listener imaps {{
    port = {tls}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
"""


@dataclass(frozen=True)
class Server:
    """Ports of the server, its certificate, and where the mailboxes lie as maildirs."""

    plain: int
    tls: int
    certificate: Path
    mail: Path
    owner: str

    def mailbox(self, user: str, **more: Any) -> ImapMailbox:
        """Describe a mailbox of this server, as somebody would set it up."""
        return ImapMailbox("127.0.0.1", user, "secret", security="none", port=self.plain, timeout=20, **more)

    def deliver(self, user: str, *mails: bytes) -> None:
        """Put mails into a mailbox as a mail server does, in the order given."""
        folder = self.mail / user
        for place in ("new", "cur", "tmp"):
            (folder / place).mkdir(parents=True, exist_ok=True)
        before = len(list(folder.glob("*/*")))
        for number, content in enumerate(mails, before + 1):
            (folder / "new" / f"{number:010}.M1P1.test").write_bytes(content)
        if os.getuid() == 0:
            subprocess.run(["chown", "-R", self.owner, self.mail], check=True)


def free_port() -> int:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return int(place.getsockname()[1])


def wait_for(port: int, log: Path) -> None:
    for _ in range(600):  # a busy machine is no failure
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"dovecot did not start: {log.read_text() if log.exists() else 'it left no log'}")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    if DOVECOT is None:
        pytest.skip("no dovecot on this machine (Debian: dovecot-imapd)")
    root = os.getuid() == 0  # Dovecot serves no mail of root's, so that it runs as nobody then
    user, group = ("nobody", "nogroup") if root else (getpass.getuser(), grp.getgrgid(os.getgid()).gr_name)
    folder = Path(tempfile.mkdtemp(prefix="imap"))  # short: names of sockets are limited
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(
        [*made, *names, "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True,
        capture_output=True,
    )
    plain, tls = free_port(), free_port()
    (folder / "dovecot.conf").write_text(
        CONFIG.format(folder=folder, user=user, group=group, plain=plain, tls=tls)
    )
    (folder / "mail").mkdir()
    if root:
        subprocess.run(["chown", "-R", f"{user}:{group}", folder], check=True)
    as_user = {"user": user, "group": group, "extra_groups": []} if root else {}
    process = subprocess.Popen(
        [DOVECOT, "-F", "-c", folder / "dovecot.conf"], stderr=subprocess.DEVNULL, **as_user
    )
    try:
        wait_for(plain, folder / "log")
        yield Server(plain, tls, folder / "cert.pem", folder / "mail", f"{user}:{group}")
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def letter(number: int, size: int = 0) -> bytes:
    return (
        f"From: Ann Lee <ann@example.com>\r\nTo: hello@shop.example.com\r\nSubject: Letter {number}\r\n"
        f"Date: Thu, 29 Oct 2026 12:00:00 +0000\r\nMessage-ID: <{number}@mail.example.com>\r\n\r\n"
        f"Hello, this is letter {number}.\r\n{'x' * size}\r\n"
    ).encode()


def drained(
    mailbox: ImapMailbox, since: ImapMark | None = None, limit: int = 10_000
) -> list[tuple[bytes, ImapMark]]:
    return list(fetch_new(mailbox, since, limit))


def test_mails_come_byte_for_byte_in_their_order_and_only_once(server: Server) -> None:
    server.deliver("order", *(letter(number) for number in range(5)))
    first = drained(server.mailbox("order"))
    assert [raw for raw, _ in first] == [letter(number) for number in range(5)]
    mark = first[-1][1]
    assert drained(server.mailbox("order"), mark) == []
    server.deliver("order", letter(5))
    assert [raw for raw, _ in drained(server.mailbox("order"), mark)] == [letter(5)]


def test_reading_leaves_no_trace_in_the_mailbox(server: Server) -> None:
    server.deliver("trace", letter(1), letter(2))
    drained(server.mailbox("trace"))
    with MailBoxUnencrypted("127.0.0.1", server.plain, timeout=20).login("trace", "secret") as box:
        status = box.folder.status("INBOX")
        seen = [item for item in box.client.fetch("1:*", "(FLAGS)")[1] if b"Seen" in (item or b"")]
    assert (status["MESSAGES"], status["UNSEEN"], seen) == (2, 2, [])


def test_a_poll_takes_no_more_than_it_is_told_and_goes_on_from_there(server: Server) -> None:
    server.deliver("limit", *(letter(number) for number in range(130)))
    mailbox = server.mailbox("limit")
    taken: list[bytes] = []
    mark = None
    for expected in (60, 60, 10, 0):
        found = drained(mailbox, mark, 60)
        assert len(found) == expected
        taken += [raw for raw, _ in found]
        mark = found[-1][1] if found else mark
    assert taken == [letter(number) for number in range(130)]


def test_a_large_mail_is_asked_for_by_itself(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[int]] = []
    mails = imap._mails

    def watched(box: Any, uids: Any) -> Any:
        asked.append(list(uids))
        return mails(box, uids)

    monkeypatch.setattr(imap, "_mails", watched)
    monkeypatch.setattr(imap, "BATCH_BYTES", 5_000)
    server.deliver("large", letter(1), letter(2), letter(3, size=20_000), letter(4))
    assert [raw for raw, _ in drained(server.mailbox("large"))][2] == letter(3, size=20_000)
    assert asked == [[1, 2], [3], [4]]


def test_a_poll_that_dies_before_its_mark_is_kept_loses_and_doubles_nothing(
    server: Server, tmp_path: Path, take: Callable[..., Any], landed: Callable[..., Any]
) -> None:
    server.deliver("killed", *(letter(number) for number in range(8)))
    mailbox = server.mailbox("killed")
    poll = fetch_new(mailbox, None, 100)
    fetched = [next(poll) for _ in range(5)]
    poll.close()  # the process ends here: five are fetched, landed, and no mark is kept
    (tmp_path / "first.mbox").write_bytes(b"".join(mbox_entry(raw) for raw, _ in fetched))
    assert take("mail", tmp_path / "first.mbox").accepted == 5
    (tmp_path / "again.mbox").write_bytes(b"".join(mbox_entry(raw) for raw, _ in drained(mailbox)))
    report = take("mail", tmp_path / "again.mbox")
    assert (report.accepted, report.already_landed) == (3, 5)
    assert landed("email_messages", "message_id") == [(f"{number}@mail.example.com",) for number in range(8)]


def test_a_folder_that_is_numbered_anew_is_read_again_and_its_mails_land_once(
    server: Server, tmp_path: Path, take: Callable[..., Any]
) -> None:
    with MailBoxUnencrypted("127.0.0.1", server.plain, timeout=20).login("anew", "secret") as box:
        marks = []
        for _ in range(2):
            box.folder.create("Support")
            box.append(letter(1), "Support")
            box.append(letter(2), "Support")
            found = drained(server.mailbox("anew", folder="Support"), marks[-1] if marks else None)
            assert [raw for raw, _ in found] == [letter(1), letter(2)]
            marks.append(found[-1][1])
            (tmp_path / "poll.mbox").write_bytes(b"".join(mbox_entry(raw) for raw, _ in found))
            take("mail", tmp_path / "poll.mbox")
            box.folder.delete("Support")
    assert marks[0].validity != marks[1].validity
    report = take("mail", tmp_path / "poll.mbox")
    assert (report.accepted, report.already_landed) == (0, 2)


def test_a_folder_may_be_named_in_any_script(server: Server) -> None:
    with MailBoxUnencrypted("127.0.0.1", server.plain, timeout=20).login("script", "secret") as box:
        box.folder.create("Kundenpost für Zürich")
        box.append(letter(7), "Kundenpost für Zürich")
    assert [raw for raw, _ in drained(server.mailbox("script", folder="Kundenpost für Zürich"))] == [
        letter(7)
    ]


def test_encrypted_from_the_first_byte_or_after_the_greeting(server: Server) -> None:
    server.deliver("tls", letter(1))
    plain = server.mailbox("tls", certificates=server.certificate)
    assert len(drained(replace(plain, security="tls", port=server.tls))) == 1
    assert len(drained(replace(plain, security="starttls"))) == 1


def test_a_server_that_nobody_vouches_for_gets_no_password(server: Server) -> None:
    with pytest.raises(ServiceError, match="has no certificate that we trust"):
        drained(replace(server.mailbox("tls"), security="tls", port=server.tls))


def test_a_wrong_password_and_a_folder_that_is_not_there_are_told_without_the_secret(server: Server) -> None:
    with pytest.raises(ServiceError, match="does not let us in") as told:
        drained(replace(server.mailbox("order"), password="hunter2"))
    assert "hunter2" not in str(told.value) + repr(replace(server.mailbox("order"), password="hunter2"))
    with pytest.raises(ServiceError, match="has no folder 'Nowhere'"):
        drained(server.mailbox("order", folder="Nowhere"))


def test_a_wrong_token_is_told(server: Server) -> None:
    with pytest.raises(ServiceError):
        drained(replace(server.mailbox("order"), token="t0ken"))


def test_an_empty_folder_gives_nothing(server: Server) -> None:
    server.deliver("empty")
    assert drained(server.mailbox("empty")) == []


def test_only_this_machine_is_spoken_to_without_encryption() -> None:
    with pytest.raises(SettingsError, match="would get the password unencrypted"):
        drained(ImapMailbox("imap.example.com", "ann", "secret", security="none"))


def test_a_server_that_is_not_there_is_named() -> None:
    with pytest.raises(ServiceError, match="does not answer as it should"):
        drained(ImapMailbox("127.0.0.1", "ann", "secret", security="none", port=free_port(), timeout=2))


def test_a_server_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mailbox = ImapMailbox(
            "127.0.0.1", "ann", "x", security="none", port=silent.getsockname()[1], timeout=0.3
        )
        with pytest.raises(ServiceError, match="does not answer as it should"):
            drained(mailbox)


def test_a_mark_can_be_kept_as_json_and_a_damaged_one_is_told() -> None:
    mark = ImapMark(17, 4)
    assert ImapMark.from_document(mark.to_document()) == mark
    with pytest.raises(InputError, match="mark of an IMAP folder is damaged"):
        ImapMark.from_document({"validity": "17"})
