"""From episodes to the contracted tables, in Parquet."""
