"""How warm transformers become: loading guides, cooling stages, and the episodes that stress them."""
