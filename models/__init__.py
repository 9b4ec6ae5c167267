"""The models: what each one declares, and the way from contracted rows to a registered version."""
