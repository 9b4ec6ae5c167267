"""Federation: one global model from substations that keep their rows to themselves."""
