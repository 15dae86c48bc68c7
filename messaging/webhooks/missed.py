"""Messages that Twilio could not deliver to us, fetched from its list: a STOP is heard even where nobody was there.

Twilio does not ask again for long, and not at all after most failures. So its list of what came to our numbers is read
on from where it was read last, oldest first, and what the receiver did not get goes through the same inbox. What is
heard so counts from when it was said, and is not answered: it is too late for that.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import Connection, select, update
from sqlalchemy.exc import IntegrityError

from data_contracts.errors import ServiceError, StoreError
from messaging import inbox
from messaging.addresses import read_addresses
from messaging.clock import Clock
from messaging.inbox import FindCustomers
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.inserts import insert_new
from messaging.store.tables import inbound_messages
from messaging.store.tables_receiver import provider_lists
from messaging.webhooks.media import Medium, note_media
from messaging.webhooks.requests import PROVIDER, read_listed

if TYPE_CHECKING:
    from messaging.senders.twilio_inbound import CameIn, InboundList

log = structlog.get_logger(__name__)

EVERY = 300.0  # seconds
SETTLED = timedelta(
    seconds=30
)  # what is younger may be under way to us: Twilio waits 15 s, and asks again for 15
OVERLAP = timedelta(hours=1)  # read once more each time, should their list lag behind
FIRST = timedelta(days=7)  # how far back the first look goes
STEP = timedelta(days=1)  # of the list at a time: what was read is noted
NUMBERS = 200  # of those that somebody wrote to
ENDING_SECONDS = 5  # a list that takes longer is read on by the next process


class MissedMessages:
    """Looks for what came to the numbers of one installation and was not heard; safe beside others that look too."""

    def __init__(self, settings: Settings, store: Store, clock: Clock, find_customers: FindCustomers) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._find_customers = find_customers
        self._list: InboundList | None = None

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Look every few minutes, beside whatever the block does."""
        stop = threading.Event()
        thread = threading.Thread(target=self._run, args=(stop,), name="missed", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(ENDING_SECONDS)

    def _run(self, stop: threading.Event) -> None:
        while not stop.wait(EVERY):
            self.try_to_look()

    def try_to_look(self) -> int | None:
        """Look, and give None where Twilio cannot be asked or the store be written: the next look goes on from there."""
        try:
            return self.look()
        except (ServiceError, StoreError) as error:
            log.warning("missed.not_looked", told=error.message)
            return None

    def look(self) -> int:
        """Hear what was missed since the last look; give how many that were. Without Twilio there is nothing to look at.

        Raises ServiceError where its list, or one of its messages, cannot be read: the next look goes on from there.
        """
        if not (self._settings.twilio_sid and self._settings.twilio_token):
            return 0
        inbox.read_rules()
        until, missed, failed = self._clock.now() - SETTLED, 0, 0
        numbers = self._numbers()
        at = self._read_until()
        begin = min(at, until) - OVERLAP if at else until - FIRST
        while begin < until:
            end = min(begin + STEP, until)
            came = self._listed(numbers, begin, end)
            heard = [self._try_to_hear(message) for message in came]
            missed, failed, begin = missed + heard.count(True), failed + heard.count(None), end
            if not failed:
                self._note(end)
        if missed:
            log.warning("missed.heard", messages=missed)
        if failed:
            raise ServiceError(
                f"{failed} messages of Twilio's list could not be heard; all others were.",
                "They are tried again in a few minutes. The log names each by its sid, with the kind of error.",
            )
        return missed

    def _listed(self, numbers: Sequence[str], since: datetime, until: datetime) -> "list[CameIn]":
        """List what came within a step and is not known, the oldest first."""
        found = [one for number in numbers for one in self._inbound_list().messages_to(number, since, until)]
        unknown = self._unknown([message.sid for message in found])
        return sorted((message for message in found if message.sid in unknown), key=lambda one: one.came_at)

    def _unknown(self, sids: Sequence[str]) -> set[str]:
        table, unknown = inbound_messages.c, set(sids)
        with self._store.read() as connection:
            for start in range(0, len(sids), 500):
                known = select(table.provider_sid).where(
                    table.provider == PROVIDER, table.provider_sid.in_(sids[start : start + 500])
                )
                unknown -= set(connection.execute(known).scalars())
        return unknown

    def _try_to_hear(self, message: "CameIn") -> bool | None:
        """Hear one message, and give None where it cannot be heard: it keeps no other from being heard."""
        try:
            return self._hear(message)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - messages are what strangers make them
            reason = type(error).__name__
            log.error("missed.not_heard", sid=message.sid, reason=reason)  # noqa: TRY400 - its text may be personal
            return None

    def _media(self, message: "CameIn") -> list[Medium]:
        if not message.files:
            return []
        listed = self._inbound_list().files_of(message.sid)
        return [Medium(place, file.url, file.content_type) for place, file in enumerate(listed)]

    def _hear(self, came: "CameIn") -> bool:
        """Put one message through the inbox; say whether it was new to us."""
        media = self._media(came)
        addresses = read_addresses(self._settings, self._store)
        message = read_listed(came, self._clock.now())
        heard = inbox.hear(addresses, message, self._clock, self._find_customers)

        def record(connection: Connection) -> bool:
            receipt = inbox.record(connection, heard)
            if not receipt.duplicate:
                note_media(connection, receipt.inbound_id, media, heard.at)
            return not receipt.duplicate

        try:
            return self._store.transact(record)
        except IntegrityError:  # somebody else heard it between our look and our insert
            return False

    def _numbers(self) -> list[str]:
        """Name what people write to: the numbers that send, those of the Messaging Service, and those that heard before.

        Of these last so many as may be; of the others each, for a STOP to one of them is as good as to another.
        """
        settings, table = self._settings, inbound_messages.c
        own = [settings.twilio_from, f"whatsapp:{settings.whatsapp_from}" if settings.whatsapp_from else ""]
        if settings.twilio_messaging_service_sid:
            own += self._inbound_list().numbers_of(settings.twilio_messaging_service_sid)
        heard = select(table.channel, table.to_address).where(
            table.provider == PROVIDER,
            table.channel.in_(("sms", "whatsapp")),
            table.received_at > self._clock.now() - timedelta(days=30),
        )
        with self._store.read() as connection:
            rows = connection.execute(heard.distinct().limit(NUMBERS)).all()
        own += [f"whatsapp:{row.to_address}" if row.channel == "whatsapp" else row.to_address for row in rows]
        return sorted({number for number in own if number})

    def _inbound_list(self) -> "InboundList":
        if self._list is None:
            from messaging.senders.twilio_inbound import InboundList  # 51 MB: only in processes that look

            settings = self._settings
            self._list = InboundList(settings.twilio_sid, settings.twilio_token, settings.twilio_url)
        return self._list

    def _read_until(self) -> datetime | None:
        with self._store.read() as connection:
            table = provider_lists.c
            return connection.execute(
                select(table.read_until).where(table.provider == PROVIDER)
            ).scalar_one_or_none()

    def _note(self, until: datetime) -> None:
        """Note how far the list was read; who looks beside us and is further on stays so."""
        table = provider_lists.c
        row = {"provider": PROVIDER, "read_until": until}
        with self._store.write() as connection:
            if not insert_new(connection, provider_lists, [row]):
                further = (table.provider == PROVIDER) & (table.read_until < until)
                connection.execute(update(provider_lists).where(further).values(read_until=until))
