"""Opt-outs in somebody's own words: rules as data, one file a language beside this one, and their verdict on a text."""

from messaging.inbox.opt_outs.reading import OptOut, languages, read_opt_out

__all__ = ["OptOut", "languages", "read_opt_out"]
