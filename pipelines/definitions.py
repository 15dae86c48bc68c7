"""Dagster's entry.

The way of a row, from top to bottom, is `build_definitions` in defs/assembly.py:

landed     dropped files, our own outreach, the tables of schema `landing`
contracts  the verdict on each landed table (blocking)
models     dbt, first part: staging, the records that identity reads
people     who is whom
consented  imported consents to the store, and the word of its gate back into the warehouse
models     dbt, second part: what each customer did, block by block
scores     what buyers will be worth
models     dbt, third part: what is published, with what was scored and the company's traits
contracts  the verdict on what we publish, and the sums (blocking)
published  the release
"""

from messaging.settings import read_settings
from pipelines.defs.assembly import build_definitions

defs = build_definitions(read_settings())
