"""`rapport identity why`: what makes two one customer, or keeps them apart."""

from typing import TYPE_CHECKING, Annotated

import typer

from messaging.cli.options import Actor, AsJson

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
    actor: Actor,
    as_json: AsJson = False,
) -> None:
    """Say why two are one customer, by the shortest evidence between them, or what keeps them apart."""
    from messaging.cli.opening import looked, opened_customers, opened_store
    from messaging.settings import read_settings
    from messaging.terminal import emit

    settings = read_settings()
    with opened_customers(settings) as customers, opened_store(settings) as store:
        answer = customers.why(a, b or None)
        for side in (answer.one, answer.other):
            if side is not None:
                looked(settings, store, actor, "identity.look", side.customer_id)
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
