"""What only many rows of a three-phase meter tell."""

import numpy as np
import pytest

from ingestion.errors import IngestionError

PHASES = "abc"
NAMES = [f"{quantity}_{phase}" for quantity in ("v", "i", "p", "q") for phase in PHASES]


def text(swap: bool = False, **units: str) -> str:
    columns = []
    for name in NAMES:
        quantity, phase = name.split("_")
        unit = {"v": "v", "i": "a", "p": "w", "q": "var"}[quantity]
        source = f"i_{'bac'[PHASES.index(phase)]}" if swap and quantity == "i" else name
        stated = f", unit: {units[quantity]}" if quantity in units else ""
        columns.append(f"      {quantity}_{phase}_{unit}: {{from: {source}{stated}}}")
    return (
        "table: readings\nsubstation: plant\ntime_zone: UTC\n"
        "time: {columns: [t], format: unix_s, zone: UTC, step_s: 30}\n"
        "points:\n  main:\n    nominal_kv: 0.4\n    rated_a: 400\n    columns:\n" + "\n".join(columns) + "\n"
    )


def lines(turned: int | None = None) -> list[str]:
    rng = np.random.default_rng(2)
    found = []
    for k in range(200):
        v = 231.0 + rng.normal(0.0, 0.5, 3)
        i = np.array([100.0, 160.0, 220.0]) * (1.0 + 0.1 * rng.random(3))
        p, q = 0.95 * v * i, np.sqrt(1.0 - 0.95**2) * v * i
        if turned is not None:
            p[turned] = -p[turned]
        found.append(",".join([str(1_704_067_200 + 30 * k), *(f"{x:.3f}" for x in (*v, *i, *p, *q))]))
    return found


HEADER = "t," + ",".join(NAMES)


def test_readings__sound_meter__has_no_findings(bench):
    found = bench.run(bench.file(lines(), header=HEADER), text())
    assert (found.accepted, found.findings) == (200, [])


@pytest.mark.parametrize(
    ("file", "mapping", "said"),
    [
        (lines(turned=1), text(), "reversed_polarity: main.p_b_w"),
        (
            lines(),
            text(swap=True),
            "swapped_phases.*phase a has the current of b, phase b has the current of a",
        ),
        (lines(), text(v="kV"), "wrong_unit: main.v_a_v.*set unit to V"),
        (lines(), text(p="kW", q="kvar"), "wrong_unit: main.p_a_w.*about 1000"),
        (lines(), text().replace("nominal_kv: 0.4", "nominal_kv: 0.69"), "voltage_level: main.v_a_v"),
    ],
)
def test_readings__systematic_error__stops_with_the_remedy(bench, file, mapping, said):
    with pytest.raises(IngestionError, match=said):
        bench.run(bench.file(file, header=HEADER), mapping)
