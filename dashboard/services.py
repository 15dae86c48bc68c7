"""The composition root of the app: one store, one reader of customers and one clock for the whole process."""

from dataclasses import dataclass

import streamlit as st

from messaging.clock import Clock, read_clock
from messaging.customers import Customers, Overview
from messaging.settings import Settings, read_settings
from messaging.store import Store, open_store


@dataclass(frozen=True)
class Services:
    """What pages ask. Built once a process; safe between sessions."""

    settings: Settings
    store: Store
    customers: Customers

    @property
    def clock(self) -> Clock:
        """Read the clock anew: the demo may move it while the app runs."""
        return read_clock(self.settings.home)


@st.cache_resource(show_spinner="Opening the company's data ...")
def services() -> Services:
    """Build the real parts from this process's settings."""
    settings = read_settings()
    store = open_store(settings)
    return Services(settings, store, Customers(settings, store))


def overview(parts: Services) -> Overview:
    """Count the first page's figures; counted again with each release and every half minute."""
    return _overview(parts, parts.customers.release().version)


@st.cache_data(ttl=30, max_entries=4, show_spinner="Counting ...")
def _overview(_parts: Services, version: str) -> Overview:  # noqa: ARG001 (the version is the cache's key)
    return _parts.customers.overview()
