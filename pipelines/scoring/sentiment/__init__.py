"""How people feel in what they write: each distinct text is scored once."""
