"""Circuits and networks that the studies' tests share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

SMALL = """\
Clear
Set DefaultBaseFrequency=50
New Circuit.small basekv=11 pu=1.0 bus1=Source angle=0 z1=[0.1, 1.0] z0=[0.2, 2.0]
Redirect lines.dss
New Load.far bus1=far phases=3 conn=wye model=2 kv=11 kw=900 kvar=300 daily=day
Set VoltageBases=[11]
CalcVoltageBases
"""

LINES = """\
New LoadShape.day npts=24 interval=1 mult=(file=Day.csv)
New Linecode.oh nphases=3 units=km r1=0.3 x1=0.35 r0=0.5 x0=1.2 c1=0 c0=0
New Line.near bus1=source bus2=middle linecode=oh length=2 units=km normamps=200
New Line.far bus1=middle bus2=far linecode=oh length=3 units=km normamps=100
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A source, two lines and a load of constant impedance, in three files."""
    folder = tmp_path / "circuit"
    folder.mkdir()
    (folder / "Lines.DSS").write_text(LINES)
    (folder / "day.csv").write_text("\n".join(f"{0.5 + k / 48.0}" for k in range(24)))
    main = folder / "Main.dss"
    main.write_text(SMALL)
    return main


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """110/20 kV with a ring of two lines, short-circuit and zero-sequence data, and costs."""
    import pandapower as pp

    net: Any = pp.create_empty_network(name="ring", f_hz=50.0)
    grid, high, one, two = (
        pp.create_bus(net, kv, name=name, min_vm_pu=0.9, max_vm_pu=1.1)
        for kv, name in ((110.0, "grid"), (20.0, "station"), (20.0, "east"), (20.0, "west"))
    )
    pp.create_ext_grid(
        net, grid, s_sc_max_mva=1000.0, s_sc_min_mva=800.0, rx_max=0.1, rx_min=0.1, x0x_max=1.0, r0x0_max=0.1,
        min_p_mw=-100.0, max_p_mw=100.0, min_q_mvar=-100.0, max_q_mvar=100.0,
    )  # fmt: skip
    pp.create_transformer_from_parameters(
        net, grid, high, 25.0, 110.0, 20.0, 0.41, 12.0, 14.0, 0.07, name="main", vector_group="YNyn",
        vk0_percent=12.0, vkr0_percent=0.41, mag0_percent=100.0, mag0_rx=0.0, si0_hv_partial=0.9,
        max_loading_percent=100.0,
    )  # fmt: skip
    net.trafo["power_station_unit"] = False
    for name, ends in (("east", (high, one)), ("west", (high, two)), ("tie", (one, two))):
        pp.create_line_from_parameters(
            net, *ends, 5.0, 0.12, 0.11, 300.0, 0.35, name=name, r0_ohm_per_km=0.4, x0_ohm_per_km=0.4,
            c0_nf_per_km=300.0, endtemp_degree=80.0, max_loading_percent=100.0,
        )  # fmt: skip
    pp.create_load(net, one, 6.0, 1.0, name="east")
    pp.create_load(net, two, 5.0, 1.0, name="west")
    pp.create_sgen(
        net, two, 2.0, 0.0, name="sun", controllable=True, min_p_mw=0.0, max_p_mw=3.0, min_q_mvar=0.0,
        max_q_mvar=0.0,
    )  # fmt: skip
    pp.create_poly_cost(net, 0, "ext_grid", cp1_eur_per_mw=50.0)
    pp.create_poly_cost(net, 0, "sgen", cp1_eur_per_mw=0.0)
    file = tmp_path_factory.mktemp("network") / "ring.json"
    pp.to_json(net, str(file))
    return file
