"""Merit order: the exact solution, the same as by interior points, at any size, one row as in a batch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts import economic_dispatch, merit_order
from data_contracts.economic_dispatch import Offers, dispatch_mw
from data_contracts.transmission import PARKS, PLANTS, bus_loads_mw, sensitivities

USUAL_PER_MWH = np.array([500.0, 4500.0, 2500.0, 2500.0, 2600.0, 2400.0, 4800.0, 2500.0, 900.0, 5500.0])
HOURS = 40


def hours(seed, spread=0.1):
    """Offers at the fuels' usual costs, loads, and what lines may carry."""
    rng = np.random.default_rng(seed)
    parks = rng.uniform(0, 1, (HOURS, len(PARKS))) * [park.rated_mw for park in PARKS]
    plants = rng.uniform(0.7, 1, (HOURS, len(PLANTS))) * [plant.rated_mw for plant in PLANTS]
    cost = USUAL_PER_MWH * rng.uniform(1 - spread, 1 + spread, (HOURS, len(PLANTS)))
    system = rng.uniform(3500, 5200, HOURS)
    loads = bus_loads_mw(system, rng.uniform(150, 320, (HOURS, 4)))
    return Offers.of(parks, plants, cost), loads, np.tile(sensitivities().limit_mw, (HOURS, 1))


def unsolved(programme, flow, dearest):
    return np.zeros_like(programme.low), np.zeros(len(programme.low), dtype=bool)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), share=st.sampled_from([0.7, 0.9, 1.0, 1.03]))
def test_dispatch__exact_beside_interior_points__is_never_dearer_and_keeps_the_same_limits(seed, share):
    offers, loads, limits = hours(seed)
    total = 1.012 * loads.sum(axis=1)
    exact = dispatch_mw(offers, total, loads, share * limits)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(merit_order, "solve", unsolved)
        points = dispatch_mw(offers, total, loads, share * limits)
    costs, others = offers.cost_per_h(exact), offers.cost_per_h(points)
    # Interior points stop short of the optimum in an hour now and then; what is exact is never dearer.
    assert (costs <= others * (1 + 1e-7)).all()
    same = np.isclose(costs, others, rtol=1e-7, atol=0.0)
    assert same.mean() > 0.9
    np.testing.assert_allclose(exact[same], points[same], atol=0.1)
    np.testing.assert_allclose(exact.sum(axis=1), total, atol=1e-5)
    lines = sensitivities()
    over = [
        (np.abs(p_mw @ lines.units.T + loads @ lines.loads.T) - share * limits).max(axis=1)
        for p_mw in (exact, points)
    ]
    assert (over[0] <= np.maximum(over[1], 0.0) + 1e-3).all()


def test_solve__hours_at_usual_costs__all_solved_though_lines_bind():
    offers, loads, limits = hours(1)
    found = []
    real = merit_order.solve

    def noted(programme, flow, dearest):
        x, solved = real(programme, flow, dearest)
        flows = x @ flow.T
        found.append(
            (
                solved,
                (np.minimum(programme.most_flow - flows, flows - programme.least_flow) < 1e-6).any(axis=1),
            )
        )
        return x, solved

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(economic_dispatch.merit_order, "solve", noted)
        dispatch_mw(offers, 1.012 * loads.sum(axis=1), loads, limits)
    solved, binds = found[0]
    assert solved.all()
    assert 0 < binds.sum() < HOURS


def test_dispatch__one_at_a_time__gives_exactly_what_the_batch_gives():
    offers, loads, limits = hours(2)
    total = 1.012 * loads.sum(axis=1)
    batch = dispatch_mw(offers, total, loads, limits)
    for k in range(HOURS):
        own = Offers(
            *(
                part[k : k + 1]
                for part in (
                    offers.minimum_mw,
                    offers.available_mw,
                    offers.cost_per_mwh,
                    offers.quadratic_per_mw2h,
                )
            )
        )
        alone = dispatch_mw(own, total[k : k + 1], loads[k : k + 1], limits[:1])
        np.testing.assert_allclose(alone[0], batch[k], atol=1e-6)


def test_solve__plant_that_costs_nothing_at_any_output__is_left_to_the_caller():
    programme = merit_order.Programme(
        linear=np.zeros((1, 2)),
        curvature=np.array([[0.0, 1.0]]),
        low=np.zeros((1, 2)),
        high=np.ones((1, 2)),
        total=np.array([1.0]),
        least_flow=np.full((1, 1), -9.0),
        most_flow=np.full((1, 1), 9.0),
    )
    assert not merit_order.solve(programme, np.ones((1, 2)), 1e3)[1].any()


def test_solve__two_units_and_a_line__is_the_solution_by_hand():
    # min ½x² + ½y² + y with x + y = 2 is x = 1.5, y = 0.5; a line that lets x carry 1 leaves y = 1.
    programme = merit_order.Programme(
        linear=np.array([[0.0, 1.0], [0.0, 1.0]]),
        curvature=np.ones((2, 2)),
        low=np.zeros((2, 2)),
        high=np.full((2, 2), 2.0),
        total=np.full(2, 2.0),
        least_flow=np.full((2, 1), -9.0),
        most_flow=np.array([[9.0], [1.0]]),
    )
    x, solved = merit_order.solve(programme, np.array([[1.0, 0.0]]), 1e3)
    assert solved.all()
    np.testing.assert_allclose(x, [[1.5, 0.5], [1.0, 1.0]], atol=1e-9)
    # Cheaper to overrun the line than the price of keeping it, 1: not solved here.
    assert merit_order.solve(programme, np.array([[1.0, 0.0]]), 0.5)[1].tolist() == [True, False]
