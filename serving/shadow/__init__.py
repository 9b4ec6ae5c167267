"""Shadows: challengers that answer off the path, compared with what was served, never returned."""
