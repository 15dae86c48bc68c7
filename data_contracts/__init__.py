"""What every side promises: contracts, the rules in them, and the one tree of errors."""
