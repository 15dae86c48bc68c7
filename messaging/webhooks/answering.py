"""Our one answer to a STOP or a HELP where no request can carry it back: by the outbox, like all that we send."""

from sqlalchemy import Connection

from messaging import outbox
from messaging.inbox import Heard, InboundReceipt
from messaging.outbox.queue import STOP_ANSWER
from messaging.store.ids import new_id


def queue_answer(
    connection: Connection, heard: Heard, receipt: InboundReceipt, channel: str, subject: str | None = None
) -> str | None:
    """Queue the answer of a receipt to whoever wrote; give its message's id, or None where there is none.

    An answer to a STOP is the one message that passes it, once and within minutes, by the channel of the STOP.
    Of somebody whom we do not know it is stored under the id of what they wrote: nobody's.
    """
    if receipt.answer is None:
        return None
    answer = outbox.PlannedMessage(
        message_id=new_id("msg"),
        customer_id=receipt.customer_id or receipt.inbound_id,
        channel=channel,
        address=heard.address,
        address_hash=heard.address_hash,
        subject=subject,
        body=receipt.answer,
        message_class="conversational",
        purpose="service" if receipt.keyword in {"help", "start"} else STOP_ANSWER,
    )
    outbox.insert_planned(connection, [answer], heard.at, queued=True)
    return answer.message_id
