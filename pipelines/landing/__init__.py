"""Landing: rows come in, are judged by their contract, and lie as parquet files with a manifest each."""
