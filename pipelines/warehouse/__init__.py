"""The warehouse: what landed becomes tables, one build at a time, and the books are kept."""
