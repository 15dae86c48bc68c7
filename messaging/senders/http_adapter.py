"""HTTP connections that look again before bytes leave: not when a request begins, but once it is connected.

Connecting takes up to seconds, in which a process may be stopped; what is left between the look and the bytes is one
call of the operating system.
"""

from typing import Any

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from messaging.clock import Instant
from messaging.senders.deadlines import end_with_call
from messaging.senders.last_look import CONNECTING, look_again


class _Looking(HTTPConnection):
    """Looks before the head of a request, and before its body: without the body a provider takes nothing."""

    connecting = 0.0  # seconds that it took to connect for this request; none on a connection that stood

    def connect(self) -> None:
        began = Instant.now()
        super().connect()
        self.connecting = min(began.seconds_ago(), CONNECTING)

    def send(self, data: Any) -> None:
        if self.sock is None and self.auto_open:  # else the look would come before it connects
            self.connect()
        look_again(allowing=self.connecting)
        if self.sock is not None:
            end_with_call(self.sock)
        super().send(data)

    def getresponse(self) -> Any:
        self.connecting = 0.0
        return super().getresponse()


class _LookingSecurely(_Looking, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Looking


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _LookingSecurely


_POOLS: dict[str, Any] = {"http": _Pool, "https": _SecurePool}


class LookingAdapter(HTTPAdapter):
    """An adapter of requests whose connections look again, through a proxy as well."""

    def init_poolmanager(self, *given: Any, **options: Any) -> None:
        """Make the pools."""
        super().init_poolmanager(*given, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Give the pools that lead through a proxy; SOCKS has connections of its own, and the look before the call."""
        manager = super().proxy_manager_for(proxy, **options)
        if type(manager) is urllib3.ProxyManager:
            manager.pool_classes_by_scheme = _POOLS
        return manager
