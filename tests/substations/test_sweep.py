"""Load flow of the station's tree: against OpenDSS, and what its polynomials keep of it."""

import msgspec
import numpy as np
import pytest

import substations
from simulation.engine import Engine, Source
from simulation.scenario.regulation import Positions, apply, regulators_of
from substations.circuit import circuit_facts
from substations.description import Substation
from substations.errors import SubstationError
from substations.settings import look, reach_of, sensitivities
from substations.station import station_facts
from substations.sweep import Served, sweep


def _solved(substation: Substation, position: int, steps: int) -> tuple[float, float, float]:
    """Loss, W, voltage of the infeed and of the last feeder's end, pu, by OpenDSS at 75 % of base load."""
    engine, regulators = Engine(substation), regulators_of(substation)
    engine.compile()
    engine.lossy().energise()
    facts = station_facts(substation)
    power = np.array(facts.design_p_w) + 1j * np.array(facts.design_q_var)
    s_va = np.zeros(len(engine.loads), dtype=np.complex128)
    s_va[: 3 * power.size] = np.repeat(power / 3.0, 3)
    engine.set_source(Source(1.03 + 0j, engine.z1_ohm))
    settings = Positions((position,) * len(regulators.groups), (steps,) * len(regulators.banks))
    apply(engine, regulators, settings)
    v = engine.solve(s_va[None])[0]
    layout = engine.layout
    buses = (substation.infeeds[0].bus, substation.feeders[-1].end_bus)
    nodes = [layout.bus_nodes(bus) for bus in buses]
    infeed, end = (float(np.abs(v[own] / layout.base_v[own]).mean()) for own in nodes)
    return float(engine.supplied_va().real - power.real.sum()), infeed, end


@pytest.mark.parametrize("name", ["mumbai", "delhi", "bangalore", "chennai"])
@pytest.mark.parametrize(("position", "steps"), [(9, 0), (6, 1)])
def test_sweep__design_load__loses_what_opendss_says(name, position, steps):
    substation = substations.read(name)
    loss_w, infeed_pu, end_pu = _solved(substation, position, steps)
    facts = station_facts(substation)
    served = Served(np.array([facts.design_p_w]), np.array([facts.design_q_var]), np.array([infeed_pu]))
    tap = np.full((1, 1, len(facts.circuit.links)), float(position))
    on = np.full((1, 1, len(facts.circuit.banks)), float(steps))

    flow = sweep(facts.circuit, served, tap, on)

    assert flow.series_w[0, 0] + flow.core_w[0, 0] == pytest.approx(loss_w, rel=0.01)
    assert flow.v_pu[-1, 0, 0] == pytest.approx(end_pu, abs=0.002)


def test_look__any_setting__has_the_sweeps_loss_and_voltage_within_a_hundredth_of_what_they_vary():
    facts = station_facts(substations.read("chennai"))
    circuit, links = facts.circuit, len(facts.circuit.links)
    served = Served(np.array([facts.design_p_w]), np.array([facts.design_q_var]), np.array([1.01]))
    reach = reach_of(circuit, np.full((1, links), 8.0), np.zeros((1, len(circuit.banks))), 2)

    looked = look(circuit, sensitivities(circuit, served, reach), 0, series=1.0, uneven=0.0)

    values = np.concatenate([reach.present, looked.values])[None]
    flow = sweep(circuit, served, values[..., :links], values[..., links:])
    loss = (flow.series_w + flow.core_w)[0, 1:]
    assert np.abs(looked.loss_w - loss).max() < 0.015 * np.ptp(loss)
    assert len(looked.values) == 5**links * 6


def test_reach_of__tap_at_the_end_of_its_range__stays_within_it():
    circuit = circuit_facts(substations.read("mumbai"))
    links = len(circuit.links)

    reach = reach_of(circuit, np.full((1, links), 1.0), np.ones((1, len(circuit.banks))), 3)

    assert reach.low[0, :links].tolist() == [1] * links
    assert reach.count[0, :links].tolist() == [4] * links


def test_circuit_facts__sections_that_form_no_tree__are_an_error():
    substation = substations.read("mumbai")
    first = substation.transformers[0]
    turned = msgspec.structs.replace(first, id="AT9", windings=first.windings[1::-1])
    odd = msgspec.structs.replace(substation, transformers=(*substation.transformers, turned))

    with pytest.raises(SubstationError, match="no tree"):
        circuit_facts(odd)
