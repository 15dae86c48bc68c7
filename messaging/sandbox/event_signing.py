"""Sign events as SendGrid does: ECDSA on P-256 over the SHA-256 of the timestamp and the body.

The key is made of the sandbox's secret, so that a receiver need not be told a new one after every restart.
https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
"""

import base64
import hashlib

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

SIGNATURE_HEADER = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP_HEADER = "X-Twilio-Email-Event-Webhook-Timestamp"
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256 (SEC 2, 2.4.2)


class EventKey:
    """A sandbox's key for events."""

    def __init__(self, secret: str) -> None:
        seed = hashlib.sha512(f"sendgrid events {secret}".encode()).digest()
        self._private = ec.derive_private_key(int.from_bytes(seed) % (_ORDER - 1) + 1, ec.SECP256R1())

    @property
    def public(self) -> str:
        """Give the public key as SendGrid shows it: base64 of its DER form."""
        der = self._private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return base64.b64encode(der).decode()

    def headers(self, timestamp: str, body: bytes) -> dict[str, str]:
        """Give the headers that sign a body; `timestamp` is Unix seconds."""
        signed = self._private.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return {SIGNATURE_HEADER: base64.b64encode(signed).decode(), TIMESTAMP_HEADER: timestamp}
