"""Situations that operators are trained on, one module each."""
