"""The stages of a run as plain functions: they call the rooms, and run and are tested without Prefect."""
