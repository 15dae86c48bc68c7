"""A webhook of an owner: JSON, signed, to an address in the open and nowhere else.

Whoever may write notifications.yaml must not be able to make us call what stands behind our firewall. So the name is
resolved once, every address that it has must be public, and the connection goes to the one that was checked; no redirect is
followed. In sandbox mode it is the other way round: only this machine may be called.
"""

import hashlib
import hmac
import ipaddress
import json
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import urllib3

from messaging.keys import make_key, read_key
from messaging.settings import Settings

KEY_FILE = "notifications.key"
TIMEOUT = urllib3.Timeout(connect=5, read=10)
SIGNATURE = "Rapport-Signature"
NAT64 = ipaddress.ip_network(
    "64:ff9b::/96"
)  # an IPv4 address within: behind such a gateway it may be private
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], list[str]]


def resolve(host: str, port: int) -> list[str]:
    """Give the addresses of a host. Raises OSError where it has none."""
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@dataclass(frozen=True)
class Webhook:
    """Posts documents; `sandboxed` says whether only this machine may be called, or only the open."""

    key: bytes = field(repr=False)
    sandboxed: bool
    resolve: Resolve = resolve

    def post(self, url: str, document: Mapping[str, Any]) -> str:
        """Post a document, once; give why it was not taken, or nothing. Never names the address."""
        parts = urlsplit(url)
        if not self.sandboxed and parts.scheme != "https":
            return "Its address has to begin with https:// in live mode."
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        try:
            address = self._checked(self.resolve(host, port))
        except OSError:
            return "Its name cannot be resolved."
        if address is None:
            return (
                "Its address is not on this machine."
                if self.sandboxed
                else "Its address is not a public one."
            )
        return self._call(parts, host, port, address, json.dumps(document).encode())

    def _checked(self, found: list[str]) -> str | None:
        allowed = [_is_own(ipaddress.ip_address(one)) if self.sandboxed else is_public(one) for one in found]
        return found[0] if found and all(allowed) else None

    def _call(self, parts: SplitResult, host: str, port: int, address: str, body: bytes) -> str:
        signed = sign(self.key, int(time.time()), body)
        headers = {
            "Host": parts.netloc,
            "Content-Type": "application/json",
            SIGNATURE: signed,
            "User-Agent": "Rapport",
        }
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        with _pool(parts.scheme, host, port, address) as pool:
            try:
                answer = pool.urlopen(
                    "POST",
                    path,
                    body=body,
                    headers=headers,
                    redirect=False,
                    retries=False,
                    preload_content=False,
                )
            except urllib3.exceptions.HTTPError as error:
                return f"It did not answer as it should ({type(error).__name__})."
            answer.close()  # its words are of no interest, however many they are
        if 200 <= answer.status < 300:
            return ""
        moved = " Name the address where it leads." if 300 <= answer.status < 400 else ""
        return f"It answered {answer.status}.{moved}"


def is_public(address: str) -> bool:
    """Say whether an address is one of the open internet, whatever it is written as."""
    found: Address | None = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found in NAT64 or found.sixtofour or found.teredo:
            return False
        found = found.ipv4_mapped or found
    return found is not None and found.is_global and not found.is_multicast


def _is_own(address: Address) -> bool:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def sign(key: bytes, at: int, body: bytes) -> str:
    """Sign a body: `t=<seconds since 1970>,v1=<HMAC-SHA256 over "t.body" in hex>`."""
    digest = hmac.new(key, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def key_path(settings: Settings) -> Path:
    """Give where the key lies that signs; whoever receives needs a copy of it."""
    return settings.secrets_dir / KEY_FILE


def read_webhook(settings: Settings) -> Webhook:
    """Give the webhook of an installation; its key is made on first use."""
    path = key_path(settings)
    return Webhook(read_key(path) or make_key(path), sandboxed=settings.sending == "sandbox")


def _pool(scheme: str, host: str, port: int, address: str) -> urllib3.HTTPConnectionPool:
    """Give a pool that connects to the checked address, and holds the certificate against the name."""
    if scheme == "http":
        return urllib3.HTTPConnectionPool(address, port, timeout=TIMEOUT, maxsize=1)
    return urllib3.HTTPSConnectionPool(
        address,
        port,
        timeout=TIMEOUT,
        maxsize=1,
        server_hostname=host,
        assert_hostname=host,
        ssl_context=ssl.create_default_context(),
    )
