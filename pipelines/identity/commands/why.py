"""`rapport identity why`: what makes two one customer, or keeps them apart."""

from typing import TYPE_CHECKING, Annotated

import typer

from messaging.cli.options import AsJson

if TYPE_CHECKING:
    from messaging.customers.why import Why

ONE = (
    "A customer's id, an e-mail, a phone or order number, an account, or a record as source/source_record_id."
)


def why(
    a: Annotated[str, typer.Argument(metavar="A", help=ONE, show_default=False)],
    b: Annotated[
        str, typer.Argument(metavar="[B]", help="The other side; without it, A's whole story.")
    ] = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Say why two are one customer, by the shortest evidence between them, or what keeps them apart."""
    from messaging.cli.opening import opened_customers
    from messaging.settings import read_settings
    from messaging.terminal import emit

    with opened_customers(read_settings()) as customers:
        answer = customers.why(a, b or None)
    emit(answer.to_document(), as_json=as_json, human=lambda: _tell(answer))


def _tell(answer: "Why") -> None:
    from messaging.customers.why import bars
    from messaging.terminal import plain, say

    drawn = {step.sentence: step.waterfall for step in answer.steps}
    drawn |= {call.sentence: call.waterfall for call in answer.review}
    for sentence in answer.sentences:
        say(plain(sentence))
        waterfall = drawn.get(sentence)
        for line in bars(waterfall) if waterfall else ():
            say(f"    {plain(line)}")
