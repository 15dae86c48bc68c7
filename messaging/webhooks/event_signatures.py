"""Are these events from SendGrid? It signs the time and the bytes by ECDSA on P-256, under a key that it publishes to us.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
"""

import base64
import threading
import time

import requests
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.datastructures import Headers

from data_contracts.errors import ServiceError
from messaging.senders.http import OnceHttp, host_of
from messaging.settings import Settings

SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"
KEY_PATH = "/v3/user/webhooks/event/settings/signed"
# SendGrid posts again for 24 hours what it could not deliver. Each event counts once, so that an old one does no harm,
# while refusing it would lose what happened while we were away.
OLDEST_SECONDS = 25 * 3600
AHEAD_SECONDS = 600


class EventKeys:
    """The key that events are signed with: a setting, or in sandbox mode what the sandbox tells."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._told: str | None = settings.sendgrid_verification_key or None
        self._asking = threading.Lock()

    def key(self) -> str:
        """Give the key, or nothing where there is none. Raises ServiceError when the sandbox does not answer."""
        with self._asking:
            if self._told is None:
                self._told = self._ask() if self._settings.sending == "sandbox" else ""
            return self._told

    def _ask(self) -> str:
        url = self._settings.sendgrid_url
        try:
            answer = OnceHttp(host_of(url)).request(
                "GET", url + KEY_PATH, headers={"Authorization": "Bearer sandbox"}
            )
            return str(answer.json()["public_key"])
        except (requests.RequestException, ValueError, KeyError, TypeError) as error:
            raise ServiceError(
                "The sandbox does not tell the key of its events.",
                "Start it, or set SENDGRID_VERIFICATION_KEY.",
            ) from error


def is_signed(key: str, headers: Headers, body: bytes, now: float | None = None) -> bool:
    """Say whether a body was signed under a key, and not too long ago; `now` is Unix seconds, by the real clock."""
    signature, timestamp = headers.get(SIGNATURE, ""), headers.get(TIMESTAMP, "")
    if not key or not signature or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
        return False
    age = (time.time() if now is None else now) - int(timestamp)
    if not -AHEAD_SECONDS <= age <= OLDEST_SECONDS:
        return False
    try:
        public = serialization.load_der_public_key(base64.b64decode(key, validate=True))
        given = base64.b64decode(signature, validate=True)
        if not isinstance(public, ec.EllipticCurvePublicKey):
            return False
        public.verify(given, timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):  # binascii.Error is one
        return False
    return True
