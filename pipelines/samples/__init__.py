"""The sample company: a seeded world, its vendors' files, the truth behind them, and the demo's story."""
