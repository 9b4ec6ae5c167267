"""Trials of federations: what a poisoned site spoils, what an update tells, what one site passes on."""
