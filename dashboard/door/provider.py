"""The company's identity provider: where it sends a browser to, and what is believed of what it says (OpenID Connect).

The code flow with PKCE. An ID token counts when it is signed by a key that the provider publishes, and issuer,
audience, times and nonce are right. Errors are sentences without a token, a code or a word about the person.
"""

import base64
import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import httpx
import jwt

from data_contracts.errors import RefusedError, ServiceError
from messaging.settings import Settings, is_loopback

# Signatures by a key that only the provider has: no "none", and no HS*, which whoever knows the client secret can make.
ALGORITHMS: Final = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
SKEW: Final = 60  # seconds that the provider's clock may be off
PATIENCE: Final = 5.0  # seconds for each answer
KEPT: Final = 3_600  # seconds that the provider's description counts
FLOW_LIVES: Final = 600  # seconds to sign in over there
MOST_FLOWS: Final = 10_000  # begun and not ended; the oldest go first
LARGEST: Final = 1_000_000  # bytes of an answer


@dataclass(frozen=True)
class Identity:
    """Somebody at a provider; an e-mail address may be given to somebody else one day, a subject never is."""

    issuer: str
    subject: str


@dataclass(frozen=True)
class Flow:
    """A sign-in that was begun: what only the browser that began it, and the provider, can end."""

    state: str
    nonce: str
    verifier: str
    back: str  # where the provider sends the browser to
    onward: str
    link: str  # of an invitation, where one is being accepted
    ends: float


@dataclass
class Flows:
    """Sign-ins that were begun, in this process alone: each can be ended once."""

    _begun: OrderedDict[str, Flow] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def begin(self, back: str, onward: str, link: str) -> Flow:
        """Begin one."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        flow = Flow(state, nonce, verifier, back, onward, link, time.monotonic() + FLOW_LIVES)
        with self._lock:
            self._begun[state] = flow
            while len(self._begun) > MOST_FLOWS:
                self._begun.popitem(last=False)
        return flow

    def end(self, state: str, browser: str) -> Flow:
        """Take one out. Raises RefusedError for one that this browser did not begin, or that has ended."""
        ours = bool(state) and secrets.compare_digest(state.encode(), browser.encode())
        with self._lock:
            flow = self._begun.pop(state, None) if ours else None
        if flow is None or flow.ends < time.monotonic():
            raise RefusedError(
                "This sign-in was not begun here, or not just now.", "Begin again on this page."
            )
        return flow


class Provider:
    """The identity provider that the settings name."""

    def __init__(self, settings: Settings) -> None:
        self.issuer = settings.oidc_issuer
        self.name = settings.oidc_shown_name
        self._client_id = settings.oidc_client_id
        self._client_secret = settings.oidc_client_secret.get_secret_value()
        self._described: dict[str, Any] = {}
        self._described_until = 0.0
        self._keys: jwt.PyJWKSet | None = None

    def address(self, flow: Flow) -> str:
        """Give where to send the browser. Raises ServiceError where the provider cannot be asked."""
        digest = hashlib.sha256(flow.verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "scope": "openid",
            "client_id": self._client_id,
            "redirect_uri": flow.back,
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        endpoint = self._endpoint("authorization_endpoint")
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"

    def identify(self, flow: Flow, answered: Mapping[str, str]) -> Identity:
        """Say who came back from the provider.

        Raises RefusedError for who did not sign in there and for proof that does not hold, and ServiceError where
        the provider cannot be asked.
        """
        if answered.get("iss", self.issuer) != self.issuer:  # RFC 9207: the answer of another provider
            raise self._unproven("issuer")
        if not (code := answered.get("code", "")):
            raise RefusedError(f"{self.name} did not sign you in.", "Try again, or ask an admin.")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": flow.back,
            "code_verifier": flow.verifier,
        }
        ways = self._description().get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        # RFC 6749, 2.3.1: both are encoded as in a form before they are joined
        basic = httpx.BasicAuth(quote(self._client_id, safe=""), quote(self._client_secret, safe=""))
        if "client_secret_basic" not in ways:
            form |= {"client_id": self._client_id, "client_secret": self._client_secret}
        answer = self._ask(
            "POST",
            self._endpoint("token_endpoint"),
            data=form,
            auth=basic if "client_secret_basic" in ways else None,
        )
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise self._unproven("code")
        return self._proven(token, flow.nonce)

    def _proven(self, token: str, nonce: str) -> Identity:
        try:
            claims = jwt.decode(
                token,
                self._key(jwt.get_unverified_header(token)),
                algorithms=ALGORITHMS,
                audience=self._client_id,
                issuer=self.issuer,
                leeway=SKEW,
                options={"require": ["iss", "sub", "aud", "exp", "iat"]},
            )
        except jwt.InvalidAudienceError:
            raise self._unproven("audience") from None
        except jwt.InvalidIssuerError:
            raise self._unproven("issuer") from None
        except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError):
            raise self._unproven("time") from None
        except (jwt.PyJWTError, ValueError, TypeError):
            raise self._unproven("signature") from None
        if not secrets.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise self._unproven("nonce")
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", "" if several else self._client_id) != self._client_id:
            raise self._unproven("audience")
        if not claims["sub"]:
            raise self._unproven("subject")
        return Identity(self.issuer, claims["sub"])

    def _key(self, header: Mapping[str, Any]) -> jwt.PyJWK:
        """Give the key that a token says it is signed by; keys are read again for one that we do not know yet."""
        if header.get("alg") not in ALGORITHMS:
            raise jwt.InvalidAlgorithmError
        for known in (self._keys, None):
            keys = known or jwt.PyJWKSet.from_dict(self._ask("GET", self._endpoint("jwks_uri")))
            self._keys = keys
            usable = [key for key in keys.keys if key.public_key_use in {None, "sig"}]
            mine = [key for key in usable if "kid" not in header or key.key_id == header["kid"]]
            if len(mine) == 1:
                return mine[0]
        raise jwt.InvalidKeyError

    def _description(self) -> dict[str, Any]:
        if time.monotonic() >= self._described_until:
            found = self._ask("GET", f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != self.issuer:
                raise ServiceError(
                    f"The identity provider at {self.issuer} calls itself otherwise.",
                    "Set RAPPORT_OIDC_ISSUER to the issuer that its description names, letter by letter.",
                )
            self._described, self._described_until = found, time.monotonic() + KEPT
        return self._described

    def _endpoint(self, name: str) -> str:
        address = self._description().get(name)
        parts = urlsplit(address if isinstance(address, str) else "")
        if not parts.hostname or not (parts.scheme == "https" or is_loopback(parts.hostname)):
            raise ServiceError(
                f"The identity provider at {self.issuer} names no {name} that begins with https://.",
                "Ask whoever runs it.",
            )
        return str(address)

    def _ask(self, method: str, address: str, **sent: Any) -> dict[str, Any]:
        try:
            # A fresh connection each time, to this address alone: no proxy of the environment, and no redirect.
            with httpx.Client(timeout=PATIENCE, trust_env=False, follow_redirects=False) as client:
                answer = client.request(method, address, headers={"Accept": "application/json"}, **sent)
            if answer.status_code == 401:
                raise ServiceError(
                    f"{self.name} does not take this app for the one it knows.",
                    "Tell an admin: RAPPORT_OIDC_CLIENT_ID and its secret have to be right.",
                )
            if method == "POST" and 400 <= answer.status_code < 500:  # as for a used code
                raise self._unproven("code")
            said = answer.json() if answer.is_success and len(answer.content) <= LARGEST else None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            said = None
        if not isinstance(said, dict):
            raise ServiceError(
                f"{self.name} cannot be reached, or does not answer as it should.",
                "Wait a little and try again; if you have a password, sign in with that.",
            )
        return said

    def _unproven(self, what: str) -> RefusedError:
        return RefusedError(
            f"What {self.name} says of you does not hold: its {what} is not right.",
            "Try again, or ask an admin.",
        )
