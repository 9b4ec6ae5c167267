"""The four shipped substations are what they claim to be."""

from datetime import date

import pytest

import substations

NAMES = ["bangalore", "chennai", "delhi", "mumbai"]
BAY_KINDS = {"breaker", "isolator", "ct", "arrester"}


@pytest.mark.parametrize("name", NAMES)
def test_shipped__checked__is_a_sound_operating_state(name):
    substation = substations.read(name)
    facts = substations.check(substation)

    assert facts.digest == substation.digest
    assert max(facts.residual_p_pu, facts.residual_q_pu) < 1e-9
    assert 250 < facts.p_mw < 400
    assert all(0.95 <= v <= 1.05 for bus in facts.buses for v in bus.v_pu)
    for described, bus in zip(substation.buses, facts.buses, strict=True):
        if described.breaker_ka is not None:
            assert 0.3 < bus.i_three_phase_ka < described.breaker_ka
            assert 0.3 < bus.i_single_phase_ka < described.breaker_ka


@pytest.mark.parametrize("name", NAMES)
def test_shipped__power__balances_against_the_description(name):
    substation = substations.read(name)
    facts = substations.check(substation)
    load_mw = sum(feeder.base_mw for feeder in substation.feeders)
    assert facts.p_mw == pytest.approx(load_mw + facts.losses_kw / 1000, abs=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_shipped__bays__are_complete(name):
    substation = substations.read(name)
    assert len(substation.assets) >= 76
    kinds: dict[str, set[str]] = {}
    for asset in substation.assets:
        kinds.setdefault(asset.bay, set()).add(asset.kind)
        assert asset.ratings
        assert date(1985, 1, 1) < asset.commissioned < date(2025, 1, 1)
    for feeder in substation.feeders:
        assert kinds[feeder.id] >= BAY_KINDS
    for infeed in substation.infeeds:
        assert kinds[infeed.id] >= BAY_KINDS | {"cvt"}
    for asset in substation.assets:
        if asset.kind in {"vt", "cvt"}:
            assert asset.kind == ("vt" if substation.bus(asset.bus).nominal_kv == 33 else "cvt")
        if asset.kind == "transformer":
            assert {"mva_onan", "mva_onaf", "mva_ofaf"} <= asset.ratings.keys()


@pytest.mark.parametrize("name", NAMES)
def test_shipped__instruments__are_mostly_class_one_half_at_33_kv(name):
    points = [point for point in substations.read(name).points if point.nominal_kv == 33]
    assert sum(point.ct_class == 0.5 for point in points) > len(points) / 2
    assert all(point.vt_kind == "inductive" for point in points)


@pytest.mark.parametrize("name", NAMES)
def test_shipped__limits__are_the_grid_codes(name):
    substation = substations.read(name)
    bands = {
        limit.nominal_kv: (limit.v_min_pu * limit.nominal_kv, limit.v_max_pu * limit.nominal_kv)
        for limit in substation.limits
    }
    assert bands[400] == pytest.approx((380, 420), abs=0.01)
    assert bands[220] == pytest.approx((198, 245), abs=0.01)
    assert bands[33] == pytest.approx((30, 36), abs=0.01)
    assert [limit.thd_pct for limit in substation.limits] == [1.5, 1.5, 5.0]


def test_shipped__together__differ_and_one_is_held_out():
    everyone = [substations.read(name) for name in NAMES]
    assert {one.name for one in everyone if one.role == "held_out"} == {"chennai"}
    assert len({one.grid_bus for one in everyone}) == 4
    assert len({one.climate for one in everyone}) == 4
    assert len({sum(feeder.pv_mw for feeder in one.feeders) for one in everyone}) == 4
    assert any(one.earthing for one in everyone)
    for one in everyone:
        assert [feeder.base_mw for feeder in one.feeders if one.bus(feeder.bus).nominal_kv == 33][:4] == [
            15,
            12,
            8,
            6,
        ]


@pytest.mark.parametrize("name", NAMES)
def test_shipped__traction_on_the_weak_feeder__makes_unbalance_severe(name):
    from dss import DSS

    substation = substations.read(name)
    supply = substation.traction[-1]
    context = DSS.NewContext()
    context.AllowChangeDir = False
    context.Text.Command = f'redirect "{substation.circuit_file}"'
    context.Text.Command = f"edit {supply.element} kw={supply.rated_mw * 1000} pf={supply.power_factor}"
    context.ActiveCircuit.Solution.Solve()
    assert context.ActiveCircuit.Solution.Converged
    context.ActiveCircuit.SetActiveBus(supply.bus)
    _, v1, v2 = context.ActiveCircuit.ActiveBus.SeqVoltages
    assert 10 < 100 * v2 / v1 < 25
