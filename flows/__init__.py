"""Prefect flows that conduct the rooms; no domain logic lives here."""
