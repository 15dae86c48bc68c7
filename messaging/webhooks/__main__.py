"""`python -m messaging.webhooks`: the receiver of what providers and people send back."""

import argparse
import sys

from data_contracts.errors import RapportError
from messaging.settings import read_settings
from messaging.webhooks.server import PORT, serve


def main() -> int:
    """Read the options and serve; a RapportError becomes one sentence and its exit code."""
    parser = argparse.ArgumentParser(prog="python -m messaging.webhooks", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=PORT, help="(default %(default)s)")
    options = parser.parse_args()
    try:
        serve(read_settings(), options.host, options.port)
    except RapportError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
