"""An agent's desk: notes on one customer, follow-ups that were promised, one message now, and what needs a person today."""
