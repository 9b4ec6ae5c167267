"""The same unbalanced network in both engines."""

from __future__ import annotations

import tempfile
from pathlib import Path

from studies.opendss import powerflow as circuits
from studies.pandapower import powerflow as networks
from studies.pandapower.network import quiet
from studies.validation.case import Case, Figure

CIRCUIT = Path(__file__).parent / "circuits" / "uneven.dss"


def write_network(file: Path) -> None:
    """The circuit `uneven.dss` as a pandapower network."""
    import pandapower as pp

    with quiet():
        net = pp.create_empty_network(f_hz=50.0)
        source, end = (pp.create_bus(net, 20.0, name=name) for name in ("source", "end"))
        # As stiff as the circuit's source.
        pp.create_ext_grid(net, source, s_sc_max_mva=1e9, rx_max=0.1, x0x_max=1.0, r0x0_max=0.1)
        pp.create_line_from_parameters(
            net, source, end, 5.0, 0.2, 0.35, 0.0, 1.0, name="line", r0_ohm_per_km=0.5, x0_ohm_per_km=1.1,
            c0_nf_per_km=0.0,
        )  # fmt: skip
        pp.create_asymmetric_load(
            net, end, p_a_mw=2.0, p_b_mw=1.2, p_c_mw=0.5, q_a_mvar=0.6, q_b_mvar=0.3, q_c_mvar=0.2
        )
        pp.to_json(net, str(file))


def case() -> Case:
    """Pandapower's voltages and losses beside OpenDSS's."""
    with tempfile.TemporaryDirectory() as scratch:
        write_network(Path(scratch) / "uneven.json")
        network = networks.study(Path(scratch) / "uneven.json")
    circuit = circuits.study(CIRCUIT, tolerance=1e-9)
    theirs, ours = (
        {row["phase"]: row for row in study.tables[0].records() if row["bus"] == "end"}
        for study in (network, circuit)
    )
    losses, own = (float(study.facts["branch_losses_kw"] or 0.0) for study in (network, circuit))
    return Case(
        "Two engines on one unbalanced network",
        "pandapower's three-phase power flow (`runpp_3ph`)",
        "`study powerflow` of `studies/validation/circuits/uneven.dss` by OpenDSS, which stands as ours, and "
        "of the same network by pandapower, which stands as the published one. The shipped substations are "
        "compared in `tests/simulation/test_two_engines.py` to 1e-4 pu.",
        [
            *(
                Figure(f"end, phase {name}", unit, theirs[k][column], ours[k][column], tolerance, decimals)
                for k, name in enumerate("abc", start=1)
                for column, unit, tolerance, decimals in (
                    ("v_pu", "pu", 1e-5, 6),
                    ("angle_deg", "°", 1e-3, 4),
                )
            ),
            Figure("losses", "kW", losses, own, 0.01, 3),
        ],
    )
