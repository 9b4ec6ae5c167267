"""The service: one inference endpoint over compiled models, read from published snapshots.

A worker reads `serving/current` and the snapshot that it names; it never talks to the model registry and
imports no training framework.
"""
