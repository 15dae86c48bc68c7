"""What an installation consists of when it runs: one Part for each process, made from settings and ports."""

import shutil
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import urlsplit

from dashboard.supervisor import Part
from messaging.settings import Settings, is_loopback

HOST = "127.0.0.1"
ROOT = Path(__file__).parents[1]
DAGSTER_SETTINGS = ROOT / "pipelines" / "defs" / "dagster.yaml"


@dataclass(frozen=True)
class Ports:
    """Where each part listens, on this machine alone."""

    app: int = 8501
    dagster: int = 3000
    webhooks: int = 8011
    sandbox: int = 8010
    mail: int = 8025

    def in_use(self, settings: Settings) -> dict[str, int]:
        """Give the ports that are needed: the sandbox and its mail catcher only run in sandbox mode."""
        all_of_them = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: port
            for name, port in all_of_them.items()
            if settings.sending == "sandbox" or name not in {"sandbox", "mail"}
        }


def installation(settings: Settings, ports: Ports) -> list[Part]:
    """Give the parts in the order in which they start."""
    environment = _environment(settings, ports)
    return [
        *([_sandbox(ports, environment)] if settings.sending == "sandbox" else []),
        _webhooks(ports, environment),
        _dispatcher(environment),
        _watch(environment),
        _app(ports, environment),
        _dagster(ports, environment),
    ]


def prepare_dagster(settings: Settings) -> None:
    """Make DAGSTER_HOME with our dagster.yaml in it, unless there is one: Dagster would send telemetry."""
    settings.dagster_dir.mkdir(parents=True, exist_ok=True)
    path = settings.dagster_dir / DAGSTER_SETTINGS.name
    if not path.exists():
        shutil.copyfile(DAGSTER_SETTINGS, path)


def _environment(settings: Settings, ports: Ports) -> dict[str, str]:
    """Tell every part the same home and the chosen ports; a public address of the user's own stays."""
    environment = {
        "RAPPORT_HOME": str(settings.home.absolute()),
        "DAGSTER_HOME": str(settings.dagster_dir.absolute()),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
        "GX_ANALYTICS_ENABLED": "false",
        "PYTHONUNBUFFERED": "1",
    }
    if is_loopback(urlsplit(settings.public_url).hostname or ""):
        environment["RAPPORT_PUBLIC_URL"] = f"http://{HOST}:{ports.webhooks}"
    if settings.sending == "sandbox":
        environment["RAPPORT_SANDBOX_URL"] = f"http://{HOST}:{ports.sandbox}"
        environment["RAPPORT_SMTP_URL"] = f"smtp://{HOST}:{ports.mail}"
    return environment


def _sandbox(ports: Ports, environment: dict[str, str]) -> Part:
    address = f"http://{HOST}:{ports.sandbox}"
    ours = ["--port", str(ports.sandbox), "--smtp-port", str(ports.mail)]
    return Part(
        "sandbox",
        "the phones and mailboxes that the demo writes to",
        [sys.executable, "-m", "messaging.sandbox", *ours],
        f"{address}/phones",
        f"{address}/healthz",
        environment=environment,
    )


def _webhooks(ports: Ports, environment: dict[str, str]) -> Part:
    address = f"http://{HOST}:{ports.webhooks}"
    return Part(
        "webhooks",
        "takes delivery reports, replies and unsubscribes from the providers",
        [sys.executable, "-m", "messaging.webhooks", "--port", str(ports.webhooks)],
        address,
        f"{address}/healthz",
        environment=environment,
    )


def _dispatcher(environment: dict[str, str]) -> Part:
    command = [str(Path(sys.executable).with_name("rapport")), "dispatch"]
    return Part("dispatcher", "sends what is approved and due", command, environment=environment)


def _watch(environment: dict[str, str]) -> Part:
    command = [str(Path(sys.executable).with_name("rapport")), "notifications", "watch"]
    return Part("watch", "tells your people what is wrong", command, environment=environment)


def _app(ports: Ports, environment: dict[str, str]) -> Part:
    address = f"http://{HOST}:{ports.app}"
    return Part(
        "app",
        "overview, customers and campaigns",
        [sys.executable, "-m", "dashboard.serve", "--host", HOST, "--port", str(ports.app)],
        address,
        f"{address}/_stcore/health",
        environment=environment,
    )


def _dagster(ports: Ports, environment: dict[str, str]) -> Part:
    address = f"http://{HOST}:{ports.dagster}"
    where = ["-w", str(ROOT / "workspace.yaml"), "-h", HOST, "-p", str(ports.dagster)]
    return Part(
        "dagster",
        "sources, builds, checks and schedules",
        [sys.executable, "-m", "dagster", "dev", *where],
        address,
        f"{address}/server_info",
        environment=environment,
    )
