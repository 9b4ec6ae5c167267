"""Between truth and reading: instrument transformers, meters, and what goes wrong with them."""
