"""Judge a resolution against people who are known: how right it is, what could be found at all, and what is wrong."""
