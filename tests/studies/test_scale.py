"""A feeder of thousands of nodes: what a study of one costs."""

import time
from pathlib import Path

import numpy as np

from studies.opendss import faults, powerflow

SPINE, LATERALS = 60, 48


def feeder(folder: Path) -> Path:
    """A radial feeder: a spine, and at each of its buses a lateral with a load at every bus."""
    lines = ["New Linecode.oh nphases=3 units=km r1=0.3 x1=0.35 r0=0.5 x0=1.2 c1=0 c0=0"]
    rng = np.random.default_rng(7)
    for k in range(SPINE):
        before = "source" if k == 0 else f"s{k - 1}"
        lines.append(f"New Line.s{k} bus1={before} bus2=s{k} linecode=oh length=0.05 units=km normamps=600")
        for j in range(LATERALS):
            start = f"s{k}" if j == 0 else f"l{k}_{j - 1}"
            lines.append(f"New Line.l{k}_{j} bus1={start} bus2=l{k}_{j} linecode=oh length=0.02 units=km")
            phase = int(rng.integers(1, 4))
            lines.append(f"New Load.l{k}_{j} bus1=l{k}_{j}.{phase} phases=1 kv=6.35 kw=2 kvar=0.6")
    (folder / "Lines.dss").write_text("\n".join(lines))
    main = folder / "main.dss"
    main.write_text(
        "Clear\nNew Circuit.big basekv=11 bus1=source mvasc3=500 mvasc1=400\nRedirect lines.DSS\n"
        "Set VoltageBases=[11]\nCalcVoltageBases\n"
    )
    return main


def test_powerflow_and_faults__nine_thousand_nodes__take_seconds(tmp_path: Path) -> None:
    main = feeder(tmp_path)
    began = time.process_time()

    found = powerflow.study(main)
    struck = faults.study(main, buses=["s0", f"l{SPINE - 1}_{LATERALS - 1}"])

    # Of the processor: about 2 s on an unloaded machine.
    assert time.process_time() - began < 20.0
    assert found.facts["nodes"] == 3 * (1 + SPINE * (1 + LATERALS))
    assert found.facts["largest_mismatch_kva"] < 0.1
    assert len(struck.tables[0]) == 20
    currents = [row["i_ka"] for row in struck.tables[0].records() if row["type"] == "LLL"]
    assert currents[0] > 5.0 * currents[1]
