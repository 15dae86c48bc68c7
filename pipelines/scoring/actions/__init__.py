"""What to do next for a customer."""
