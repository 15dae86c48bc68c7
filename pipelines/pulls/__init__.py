"""Databases, HTTP APIs and mailboxes that are asked for what is new, by configuration; what comes is landed like a file."""
