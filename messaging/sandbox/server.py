"""Runs a sandbox: as a process (`python -m messaging.sandbox`), or inside a test or the demo."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from messaging import serving
from messaging.sandbox.app import Sandbox, build_app
from messaging.sandbox.mail import catching
from messaging.sandbox.settings import SandboxSettings

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class RunningSandbox:
    """Where a running sandbox is found."""

    base_url: str
    smtp_port: int
    sandbox: Sandbox

    @property
    def smtp_url(self) -> str:
        """Give the mail catcher's address, as RAPPORT_SMTP_URL takes it."""
        return f"smtp://{LOOPBACK}:{self.smtp_port}"

    def settle(self, seconds: float = 30.0) -> bool:
        """Wait until every message is at its end and every webhook delivered; say whether that came."""
        return self.sandbox.exchange.pending.settle(seconds)


@contextmanager
def running(
    port: int = 0,
    smtp_port: int = 0,
    settings: SandboxSettings | None = None,
    now: Callable[[], datetime] | None = None,
) -> Iterator[RunningSandbox]:
    """Run a sandbox in threads of this process while the block runs; port 0 takes a free one.

    `now` gives naive UTC. Raises ServiceError when a port is taken.
    """
    chosen = settings or SandboxSettings()
    sandbox = Sandbox(chosen, now) if now else Sandbox(chosen)
    try:
        with (
            catching(sandbox.mailbox, chosen, LOOPBACK, smtp_port) as mail_port,
            serving.running(lambda _: build_app(sandbox), port) as base_url,
        ):
            yield RunningSandbox(base_url, mail_port, sandbox)
    finally:
        sandbox.close()


def serve(host: str, port: int, smtp_port: int, sandbox: Sandbox) -> None:
    """Run a sandbox until the process is told to stop; UsageError where `host` is not this machine alone."""
    serving.only_loopback(host, "The sandbox")
    try:
        with catching(sandbox.mailbox, sandbox.settings, host, smtp_port):
            serving.serve(build_app(sandbox), host, port)
    finally:
        sandbox.close()
