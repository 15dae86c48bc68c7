"""The composition root of the app: one store, one reader of customers and one clock for the whole process."""

import gc
from dataclasses import dataclass, replace
from datetime import datetime

import streamlit as st

from messaging.campaigns import Library
from messaging.clock import Clock, read_clock
from messaging.customers import Customers, Overview
from messaging.desk.today import Today, needs_today
from messaging.desk.writing import Desk, ServiceTemplate, service_templates
from messaging.planner import (
    LiftReport,
    Outlook,
    Planner,
    ShownMessage,
    build_planner,
    lift,
    outlook,
    ugliest,
)
from messaging.policy import read_limits
from messaging.settings import Settings, read_settings
from messaging.store import Store, open_store


@dataclass(frozen=True)
class Services:
    """What pages ask. Built once a process; safe between sessions."""

    settings: Settings
    store: Store
    customers: Customers

    @property
    def planner(self) -> Planner:
        """Give the planner of campaigns, by the clock as it stands now."""
        return replace(_planner(self), clock=self.clock)

    @property
    def clock(self) -> Clock:
        """Read the clock anew: the demo may move it while the app runs."""
        return read_clock(self.settings.home)


@st.cache_resource(show_spinner="Opening the company's data ...")
def services() -> Services:
    """Build the real parts from this process's settings."""
    settings = read_settings()
    store = open_store(settings)
    parts = Services(settings, store, Customers(settings, store, behind=True))
    gc.freeze()  # what is loaded by now stays: to look through it for garbage would hold up a page for 40 ms
    return parts


def overview(parts: Services) -> Overview:
    """Count the first page's figures; counted again with each release and every half minute."""
    return _overview(parts, parts.customers.release().version)


@st.cache_data(ttl=30, max_entries=4, show_spinner="Counting ...")
def _overview(_parts: Services, version: str) -> Overview:  # noqa: ARG001 (the version is the cache's key)
    return _parts.customers.overview()


def today(parts: Services) -> Today:
    """Look what needs a person today; looked at again every ten seconds."""
    return _today(
        parts, parts.customers.release().version, parts.clock.now().replace(second=0, microsecond=0)
    )


def desk_of(parts: Services) -> Desk:
    """Give what writing to one customer needs."""
    library = Library(parts.settings.library_dir)
    return Desk(parts.settings, parts.store, parts.customers, library, parts.clock)


def templates_of_service(parts: Services) -> dict[str, ServiceTemplate]:
    """Give the templates that a colleague may send, by name."""
    return _templates_of_service(parts)


@st.cache_data(ttl=30, max_entries=4, show_spinner=False)
def _templates_of_service(_parts: Services) -> dict[str, ServiceTemplate]:
    return service_templates(Library(_parts.settings.library_dir))


@st.cache_data(ttl=10, max_entries=4, show_spinner="Looking what needs you ...")
def _today(_parts: Services, version: str, minute: datetime) -> Today:  # noqa: ARG001 (both are the cache's key)
    return needs_today(_parts.customers, _parts.store, _parts.clock.now())


def previews(parts: Services, run_id: str) -> list[ShownMessage]:
    """Give the messages of a run that are most likely to embarrass us; rendered once, they do not change."""
    return _previews(parts, run_id)


def outlook_of(parts: Services, run_id: str) -> Outlook:
    """Look ahead at a run, beside the last plan of its campaign."""
    return _outlook(parts, run_id, parts.customers.release().version)


def lift_of(parts: Services, run_id: str) -> LiftReport | None:
    """Say what a run changed, as the release knows it."""
    return _lift(parts, run_id, parts.customers.release().version)


def display_name(parts: Services, customer_id: str) -> str:
    """Give a customer's name as the release has it."""
    return _display_name(parts, customer_id, parts.customers.release().version)


@st.cache_resource(show_spinner=False)
def _planner(_parts: Services) -> Planner:
    return build_planner(_parts.settings, store=_parts.store)


@st.cache_data(max_entries=50, show_spinner="Looking for the ugliest messages ...")
def _previews(_parts: Services, run_id: str) -> list[ShownMessage]:
    return ugliest(_parts.store, _parts.customers, run_id)


@st.cache_data(ttl=60, max_entries=50, show_spinner="Laying it beside the last plan ...")
def _outlook(_parts: Services, run_id: str, version: str) -> Outlook:  # noqa: ARG001 (part of the key)
    return outlook(_parts.store, _parts.customers, run_id, read_limits(_parts.settings))


@st.cache_data(ttl=60, max_entries=50, show_spinner="Comparing with those held out ...")
def _lift(_parts: Services, run_id: str, version: str) -> LiftReport | None:  # noqa: ARG001 (part of the key)
    return lift(_parts.store, _parts.customers, run_id)


@st.cache_data(max_entries=5000, show_spinner=False)
def _display_name(_parts: Services, customer_id: str, version: str) -> str:  # noqa: ARG001 (part of the key)
    return _parts.customers.get(customer_id).facts["display_name"] or "Name unknown"
