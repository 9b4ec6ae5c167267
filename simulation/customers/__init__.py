"""Customers of a substation's feeders: what they draw on a typical day, and what they could move."""
