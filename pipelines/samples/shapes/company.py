"""All files of the company in one folder, and the page that says what they are."""

from pathlib import Path

from pipelines.samples.shapes.chat import write_chats
from pipelines.samples.shapes.feedback import write_answers, write_product_reviews, write_shop_reviews
from pipelines.samples.shapes.lists import write_consents, write_past_outreach
from pipelines.samples.shapes.mail import write_mbox
from pipelines.samples.shapes.sendgrid import write_sendgrid
from pipelines.samples.shapes.shopify import write_customers, write_fulfilments, write_orders, write_products
from pipelines.samples.shapes.twilio import write_calls, write_twilio
from pipelines.samples.shapes.voices import write_forms, write_mentions, write_visits
from pipelines.samples.shapes.written import WrittenFile
from pipelines.samples.shapes.zendesk import write_ratings, write_tickets
from pipelines.samples.world import World

OPENING = """\
# Harbour & Pine, a company that does not exist

A shop for house and garden with {people} customers, made from seed {seed}. It covers 18 months and ends on
30 October 2026, 12:00 UTC. Every name is made up, every address lies under example.com, example.org or
example.net, and every phone number is one that is kept free for fiction.

Each file has the shape in which its vendor exports it, and a few records that are wrong on purpose: they
belong into the quarantine. The truth lies in `truth/`; it is for checking and is not ingested:

- `people.parquet` (identifiers, preferred channel, usual hour, who left because of bad service),
  `identity.parquet` (whose each record is), `orders.parquet` (what caused each order)
- `sentiments.parquet` (how each text of a customer is meant), `effects.json` (what was planted)
- `cast.json`: ten people who were written by hand, from an open complaint to a lapsed VIP

| file | what it is | records | of them wrong | lands with |
|---|---|---|---|---|
"""
CLOSING = """
Notes for reading the files:

- Orders: what concerns a whole order stands on its first row only. `Refunded Amount` and `Cancelled at`
  become one more line each (`line/<order>/refund`, `line/<order>/cancellation`). Times are London's, with
  their offset. Customer numbers, phones and postcodes begin with the apostrophe that spreadsheets are given.
- The events of the mail provider stand as they were posted: one JSON array a line.
- `chats.json`: a list of conversations: id, channel, customer (name, email, phone, username, device_id,
  customer_id), topic, status, order_id, messages (id, at, from, author, text); `from` is customer, agent, bot
  or system.
- Who was signed in when they chatted has the shop's own customer number as `customer_id`, and the earlier tool
  had its lists from the shop, so `external_id` of past_outreach.csv is that number too.
- Who was signed in on the site has `shopify:` and the shop's customer number as `userId`. Posts name their author as the
  chat tool names the users of a messenger.
- A file of tickets holds what was written in them as well: it lands in `tickets` and in `chat_messages`.
"""


def write_company(world: World, out: Path) -> list[WrittenFile]:
    """Write every file of the company into `out`, and a README.md that says which command lands which.

    The same world gives the same bytes.
    """
    out.mkdir(parents=True, exist_ok=True)
    files = [
        write_products(out),
        write_customers(world, out),
        write_consents(world, out),
        write_orders(world, out),
        write_fulfilments(world, out),
        write_mbox(world, out),
        write_sendgrid(world, out),
        write_twilio(world, out),
        write_chats(world, out),
        write_past_outreach(world, out),
        write_calls(world, out),
        write_tickets(world, out),
        write_ratings(world, out),
        write_answers(world, out),
        write_shop_reviews(world, out),
        write_product_reviews(world, out),
        write_forms(world, out),
        write_mentions(world, out),
        write_visits(world, out),
    ]
    (out / "README.md").write_text(_page(world, files), encoding="utf-8")
    return files


def _page(world: World, files: list[WrittenFile]) -> str:
    rows = [
        f"| {file.path.name} | {file.about} | {file.records:,} | {file.broken} | `{file.command}` |\n"
        for file in files
    ]
    return OPENING.format(people=f"{len(world.history.people):,}", seed=world.seed) + "".join(rows) + CLOSING
