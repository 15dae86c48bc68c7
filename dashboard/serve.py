"""The app's process: `python -m dashboard.serve`. It is our pages as Streamlit runs them, behind our own door.

Streamlit takes a folder called pages/ for its old way of many pages until st.navigation has run once: whoever
opened /customers first after a start would see that page without its frame (1.67, 2026-11).
"""

import argparse
from functools import cache
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from streamlit.runtime.pages_manager import PagesManager

from dashboard.door import Gate, door_routes
from dashboard.palette import STREAMLIT_OPTIONS
from messaging.settings import read_settings
from messaging.store import Store, open_store

APP = Path(__file__).with_name("app.py")


def main() -> None:
    """Serve the app until the process is told to end."""
    parser = argparse.ArgumentParser(prog="python -m dashboard.serve", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=8501, help="(default %(default)s)")
    chosen = parser.parse_args()
    PagesManager.uses_pages_directory = False
    settings = read_settings()

    @cache
    def store() -> Store:
        """Open the door's own store when somebody first asks: an app whose store cannot be opened says so on a page."""
        return open_store(settings)

    app = st.App(APP, routes=door_routes(settings, store), middleware=[Middleware(Gate, store=store)])
    app.run(config={"server.address": chosen.host, "server.port": chosen.port, **STREAMLIT_OPTIONS})


if __name__ == "__main__":
    main()
