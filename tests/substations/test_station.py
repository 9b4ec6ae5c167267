"""Nameplates of the whole station: the simulator's own, and resistances as the engine has them."""

import shutil
from dataclasses import dataclass

import numpy as np
import pytest

import substations
from simulation.engine import Engine
from simulation.states.branches import Branches
from simulation.states.nameplate import Nameplate
from substations.errors import SubstationError
from substations.resistances import line_ohms
from substations.station import station_facts


@pytest.mark.parametrize("name", ["mumbai", "delhi", "bangalore", "chennai"])
def test_station_facts__any_load__lose_by_nameplate_what_the_simulator_says(name):
    substation = substations.read(name)
    engine, facts = Engine(substation), station_facts(substation)
    rng = np.random.default_rng(1)
    p = rng.uniform(1e6, 1e8, len(facts.feeders))
    q = rng.uniform(-1e7, 3e7, len(facts.feeders))

    matrix = np.array(facts.per_va2)
    loss_w = facts.always_w + p @ matrix @ p + q @ matrix @ q

    wanted = Nameplate.of(substation, engine).loss_w(Branches.of(substation), p + 1j * q)
    assert loss_w == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("name", ["mumbai", "delhi", "bangalore", "chennai"])
def test_line_ohms__every_line__is_that_of_the_compiled_circuit(name):
    substation = substations.read(name)
    lossy = Engine(substation).lossy()

    for line, ohm in line_ohms(substation).items():
        assert ohm == pytest.approx(lossy.line_ohm(line), rel=1e-6)


def test_line_ohms__line_without_linecode__names_it(tmp_path):
    folder = tmp_path / "mumbai"
    shutil.copytree(substations.folder("mumbai"), folder)
    circuit = folder / "circuit.dss"
    circuit.write_text(
        circuit.read_text().replace("linecode=xlpe_220 units=km length=14", "r1=0.02 length=14")
    )

    @dataclass
    class Moved:
        circuit_file: object

        def __getattr__(self, name):
            return getattr(substations.read("mumbai"), name)

    with pytest.raises(SubstationError, match=r"line\.f221"):
        line_ohms(Moved(circuit))
