"""Sources: a reader for each vendor's shape, which makes rows of a canonical table out of the vendor's own bytes."""
