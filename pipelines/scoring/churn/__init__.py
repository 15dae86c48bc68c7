"""Who is about to leave: the chance that a buyer does not order again in time, and why."""
