"""A piece of equipment has a direction of its own, which names alone decide."""

import numpy as np

from features.context import equipment


def test_compute__bays_of_one_transformer__are_the_same_piece():
    found = equipment.compute("mumbai", ["AT1.HV", "AT1.MV", "AT2.HV"])

    np.testing.assert_array_equal(found[0], found[1])
    assert np.linalg.norm(found[0] - found[2]) > 0.1


def test_compute__other_substation__is_another_piece():
    one, other = (equipment.compute(name, ["AT1.HV"])[0] for name in ("mumbai", "delhi"))

    assert np.linalg.norm(one - other) > 0.1


def test_compute__any_name__is_equally_far_from_the_middle():
    found = equipment.compute("mumbai", [f"T{k}.HV" for k in range(20)])

    np.testing.assert_allclose((found**2).sum(axis=1), equipment.DIMENSIONS)


def test_compute__no_points__no_rows():
    assert equipment.compute("mumbai", []).shape == (0, equipment.DIMENSIONS)
