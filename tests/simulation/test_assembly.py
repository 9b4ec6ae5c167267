import numpy as np

from simulation.engine.assembly import Sums


def test_sums__several_entries_of_one_place__add_up_there() -> None:
    rng = np.random.default_rng(1)
    places = rng.integers(0, 12, 40)
    entries = rng.standard_normal(40) + 1j * rng.standard_normal(40)
    expected = np.zeros(12, dtype=np.complex128)
    np.add.at(expected, places, entries)

    found = Sums.of(places, (3, 4)).add(entries)

    assert np.allclose(found, expected.reshape(3, 4), rtol=0.0, atol=1e-14)


def test_sums__place_without_an_entry__is_zero() -> None:
    found = Sums.of(np.array([0, 3]), (2, 2)).add(np.array([1.0 + 1j, 2.0]))

    assert found.tolist() == [[1.0 + 1j, 0.0], [0.0, 2.0]]
