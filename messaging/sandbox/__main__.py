"""`python -m messaging.sandbox`: the local look-alike of Twilio, and the mail catcher."""

import argparse
import sys
from pathlib import Path

from data_contracts.errors import RapportError
from messaging import serving
from messaging.clock import follow_clock
from messaging.sandbox.app import Sandbox
from messaging.sandbox.server import serve
from messaging.sandbox.settings import PORT, SMTP_PORT, SandboxSettings, settings_for
from messaging.settings import Settings, read_settings


def main() -> int:
    """Read the options and serve; a RapportError becomes one sentence and its exit code."""
    options = _parser().parse_args()
    try:
        serving.only_loopback(options.host, "The sandbox")
        settings = read_settings()
        sandbox = Sandbox(_sandbox_settings(settings, options), follow_clock(settings.home).now)
        serve(options.host, options.port, options.smtp_port, sandbox)
    except RapportError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _sandbox_settings(settings: Settings, options: argparse.Namespace) -> SandboxSettings:
    others = {"folder": None} if options.forget else {"folder": options.folder} if options.folder else {}
    return settings_for(
        settings, inbound_url=options.inbound_url or "", step_seconds=options.step_seconds, **others
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m messaging.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address; no other is accepted")
    parser.add_argument(
        "--port", type=int, default=PORT, help="of the API and the pages (default %(default)s)"
    )
    parser.add_argument(
        "--smtp-port", type=int, default=SMTP_PORT, help="of the mail catcher (default %(default)s)"
    )
    parser.add_argument("--inbound-url", help="where answers from phones go (default: RAPPORT_PUBLIC_URL's)")
    parser.add_argument("--step-seconds", type=float, default=0.3, help="between two statuses of a message")
    parser.add_argument(
        "--folder", type=Path, help="where phones and mails are kept (default RAPPORT_HOME/sandbox)"
    )
    parser.add_argument("--forget", action="store_true", help="keep nothing on disk")
    return parser


if __name__ == "__main__":
    sys.exit(main())
