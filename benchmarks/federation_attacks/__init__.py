"""Attacks on federations: what a poisoned site can spoil, and what an update tells of its rows."""
