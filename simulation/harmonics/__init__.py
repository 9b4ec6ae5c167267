"""Harmonic distortion: what customers and the grid emit, and what becomes of it at the measurement points."""
