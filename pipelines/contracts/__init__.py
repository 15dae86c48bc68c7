"""Contracts as people meet them: what a change breaks, what a table promises, and the page of every build."""
