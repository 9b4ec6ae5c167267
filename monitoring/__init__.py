"""Watching what runs: has the data moved away from what the models were trained on?"""
