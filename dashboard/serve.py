"""The app's process: `python -m dashboard.serve`. It is `streamlit run dashboard/app.py` with our options.

Streamlit takes a folder called pages/ for its old way of many pages until st.navigation has run once: whoever
opened /customers first after a start would see that page without its frame (1.67, 2026-11).
"""

import argparse
import sys
from pathlib import Path

from streamlit.runtime.pages_manager import PagesManager
from streamlit.web import cli

from dashboard.palette import STREAMLIT_OPTIONS

APP = Path(__file__).with_name("app.py")


def main() -> None:
    """Serve the app until the process is told to end."""
    parser = argparse.ArgumentParser(prog="python -m dashboard.serve", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=8501, help="(default %(default)s)")
    chosen = parser.parse_args()
    options = {"server.address": chosen.host, "server.port": str(chosen.port), **STREAMLIT_OPTIONS}
    PagesManager.uses_pages_directory = False
    sys.argv = ["streamlit", "run", str(APP), *[f"--{name}={value}" for name, value in options.items()]]
    cli.main(prog_name="streamlit")


if __name__ == "__main__":
    main()
