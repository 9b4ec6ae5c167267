"""Scratch memory: arrays do not overlap, and what does not fit is taken elsewhere."""

import numpy as np

from features.workspace import PER_WINDOW, Workspace


def test_take__arrays_of_one_round__do_not_share_memory():
    space = Workspace(20)
    first, second = space.take(4, 5), space.take(7)
    assert first.shape == (4, 5)
    assert not np.shares_memory(first, second)
    space.clear()
    assert np.shares_memory(space.take(10), first)


def test_take__more_than_there_is__gets_fresh_memory():
    space = Workspace(16)
    whole = space.take(16 * PER_WINDOW)
    assert not np.shares_memory(space.take(3), whole)
    assert space.take(2, 3).shape == (2, 3)
