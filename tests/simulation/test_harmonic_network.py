"""The factorised harmonics against OpenDSS's own harmonic mode, at every shipped station."""

import numpy as np
import pytest

import substations
from simulation.engine import ORDERS, Emission, Engine
from simulation.errors import NotConvergedError, SimulationError

NAMES = ("mumbai", "delhi", "bangalore", "chennai")


def emission(rng: np.random.Generator, loads: int, feeders: int) -> Emission:
    """Every phase of every feeder and the source emit at every order."""
    shares = np.zeros((loads, ORDERS), dtype=np.complex128)
    size = (3 * feeders, ORDERS)
    shares[: 3 * feeders] = 0.03 * (rng.standard_normal(size) + 1j * rng.standard_normal(size))
    return Emission(shares, 0.003 * (rng.standard_normal(ORDERS) + 1j * rng.standard_normal(ORDERS)))


def settled(engine: Engine, seed: int) -> None:
    """From a fresh compile: uneven loads, taps anywhere, banks anywhere, one unit of a bank blown."""
    rng, description = np.random.default_rng(seed), engine.substation
    engine.compile()
    for transformer in description.transformers:
        if transformer.taps is not None:
            engine.set_tap(transformer.id, int(rng.integers(1, transformer.taps.steps + 1)))
    for capacitor in description.capacitors:
        engine.set_steps(capacitor.id, int(rng.integers(capacitor.steps + 1)), "b" if seed % 2 else "")
    s_va = np.zeros(len(engine.loads), dtype=np.complex128)
    for k, feeder in enumerate(description.feeders):
        p_w = 0.6 * feeder.base_mw * 1e6 / 3.0 * rng.uniform(0.8, 1.2, 3)
        s_va[3 * k : 3 * k + 3] = p_w * (1.0 + 1j * np.tan(np.arccos(feeder.power_factor)))
    engine.solve(s_va[None])


def difference(found: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference at any order from 2 over the largest value at that order."""
    axes = tuple(range(1, expected.ndim))
    return float((np.abs(found - expected).max(axis=axes)[1:] / np.abs(expected).max(axis=axes)[1:]).max())


@pytest.mark.parametrize("name", NAMES)
def test_solve__any_state_of_taps_and_banks__is_opendss_s_harmonic_mode(name: str) -> None:
    engine = Engine(substations.read(name))
    for seed in (1, 2, 3):
        case = emission(np.random.default_rng(seed), len(engine.loads), len(engine.substation.feeders))
        settled(engine, seed)
        v, i = engine.solve_harmonics(case)
        settled(engine, seed)

        found_v, found_i = engine.harmonic_network().solve([case.loads], [case.source])

        assert difference(found_v[0], v) < 1e-8
        assert difference(found_i[0], i) < 1e-8
        assert not found_v[0, 0].any()
        assert not found_i[0, 0].any()


def test_solve__several_emissions__are_those_solved_alone(engine: Engine) -> None:
    rng, feeders = np.random.default_rng(5), len(engine.substation.feeders)
    settled(engine, 2)
    cases = [emission(rng, len(engine.loads), feeders) for _ in range(5)]
    network = engine.harmonic_network()

    v, i = network.solve([case.loads for case in cases], [case.source for case in cases])

    for k, case in enumerate(cases):
        own_v, own_i = network.solve([case.loads], [case.source])
        assert v[k] == pytest.approx(own_v[0], rel=1e-12)
        assert i[k] == pytest.approx(own_i[0], rel=1e-12, abs=1e-15)


def test_harmonic_network__some_orders__knows_only_these(engine: Engine) -> None:
    settled(engine, 2)
    case = emission(np.random.default_rng(5), len(engine.loads), len(engine.substation.feeders))

    v, _ = engine.harmonic_network((5, 7)).solve([case.loads], [case.source])

    assert np.flatnonzero(np.abs(v[0]).max(axis=1)).tolist() == [4, 6]


def test_harmonic_network__then_a_snapshot__is_the_fundamental_again(engine: Engine) -> None:
    settled(engine, 2)
    before = engine.network().y.copy()

    engine.harmonic_network((5, 40))

    settled(engine, 2)
    assert np.array_equal(engine.network().y, before)


def test_harmonic_network__nothing_solved__is_refused(engine: Engine) -> None:
    with pytest.raises(SimulationError, match="before their snapshot"):
        engine.harmonic_network()


def test_harmonic_network__order_without_finite_solution__is_not_converged(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(engine, 2)

    def singular(y: np.ndarray, _: np.ndarray) -> np.ndarray:
        raise np.linalg.LinAlgError("singular matrix")

    monkeypatch.setattr(np.linalg, "solve", singular)
    with pytest.raises(NotConvergedError, match="singular"):
        engine.harmonic_network((5,))
