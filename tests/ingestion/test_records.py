"""COMTRADE records: reading, sags and unbalance against known values, and wrong connections."""

import struct
from pathlib import Path

import numpy as np
import pytest

from data_contracts.dataset import Dataset
from ingestion.errors import IngestionError
from ingestion.recording import propose_records
from ingestion.waveform import half_cycle_rms, phasors, sags, vuf_pct

RATE_HZ, F_HZ = 4000.0, 50.0
NOMINAL_V = 110e3 / 3.0**0.5
TURN = np.exp(-2j * np.pi / 3.0 * np.arange(3))


def wave(abc: np.ndarray, count: int, f_hz: float = F_HZ, rate_hz: float = RATE_HZ) -> np.ndarray:
    """Samples of three phasors (RMS)."""
    angle = 2.0 * np.pi * f_hz / rate_hz * np.arange(count)
    return np.sqrt(2.0) * np.real(abc[:, None] * np.exp(1j * angle))


def fault(count: int = 1200, residual: float = 0.6, begin: int = 400, cycles: int = 5) -> np.ndarray:
    """Phase a falls to `residual` for some cycles."""
    v = wave(NOMINAL_V * TURN, count)
    v[0, begin : begin + round(cycles * RATE_HZ / F_HZ)] *= residual
    return v


def write_record(
    folder: Path, v: np.ndarray, i: np.ndarray, kind: str = "BINARY", name: str = "fault"
) -> Path:
    """A 1999 record with secondary values, 1100:1 and 200:1, and a slow section of 10 samples at its end."""
    series = np.vstack([v / 1100.0, i / 200.0])
    scale = np.abs(series).max(axis=1) / 32000.0
    scale[scale == 0.0] = 1.0
    raw = np.rint(series / scale[:, None]).astype(int)
    count = raw.shape[1]
    names = [
        ("Ua", "A", "V"),
        ("Ub", "B", "V"),
        ("Uc", "C", "V"),
        ("Ia", "A", "A"),
        ("Ib", "B", "A"),
        ("Ic", "C", "A"),
    ]
    lines = ["station,recorder,1999", "6,6A,0D"]
    for k, (channel, phase, unit) in enumerate(names):
        ratio = "110000,100" if unit == "V" else "1000,5"
        lines.append(f"{k + 1},{channel},{phase},,{unit},{scale[k]:.12g},0,0,-32767,32767,{ratio},S")
    lines += ["50", "2", f"{RATE_HZ:g},{count - 10}", f"50,{count}"]
    lines += ["12/05/2023,19:45:25.000000", "12/05/2023,19:45:25.100000", kind, "1"]
    config = folder / f"{name}.cfg"
    config.write_text("\r\n".join(lines) + "\r\n")
    data = folder / f"{name}.dat"
    stamps = np.arange(count) * 250
    if kind == "ASCII":
        rows = (f"{k + 1},{stamps[k]}," + ",".join(map(str, raw[:, k])) for k in range(count))
        data.write_text("\r\n".join(rows) + "\r\n")
    else:
        data.write_bytes(
            b"".join(struct.pack("<II6h", k + 1, int(stamps[k]), *raw[:, k]) for k in range(count))
        )
    return config


def proposed(config: Path, zone: str = "UTC") -> str:
    return propose_records(config, "east").replace("time_zone: null", f"time_zone: {zone}")


def currents(count: int = 1200) -> np.ndarray:
    return wave(300.0 * TURN * np.exp(-0.3j), count)


@pytest.mark.parametrize("kind", ["ASCII", "BINARY"])
def test_record__fault__samples_sag_and_time_come_out(bench, home, tmp_path, kind):
    v = fault()
    config = write_record(tmp_path, v, currents(), kind)
    found = bench.run(config, proposed(config, "Asia/Shanghai"), dataset="east")
    (capture,) = found.captures
    (sag,) = capture.sags
    assert sag.residual_pu == pytest.approx(0.6, abs=0.005)
    # Below 0.9 from within a cycle of the fault's begin until a cycle after its end.
    assert sag.duration_s == pytest.approx(0.1, abs=0.0101)
    assert sag.start_s == pytest.approx(0.1, abs=0.0201)
    assert (sag.phase, sag.ended) == ("a", True)
    assert capture.vuf_pct == pytest.approx(0.0, abs=0.01)
    row = Dataset.open(home.dataset("east")).read("waveforms").to_pylist()[0]
    assert row["t"].isoformat() == "2023-05-12T11:45:25+00:00"
    assert (row["rate_hz"], len(row["v_a_v"])) == (RATE_HZ, 1190)
    np.testing.assert_allclose(row["v_b_v"], v[1, :1190], atol=NOMINAL_V * 1e-4)
    np.testing.assert_allclose(row["i_c_a"], currents()[2, :1190], atol=0.05)
    assert [one.rule for one in found.findings] == ["slow_section"]


@pytest.mark.parametrize(
    ("order", "signs", "i_signs", "said"),
    [
        ([1, 0, 2], [1, 1, 1], [1, 1, 1], "swapped_phases: bus_1"),
        ([0, 1, 2], [1, -1, 1], [1, 1, 1], "reversed_polarity: bus_1.v_b_v"),
        ([0, 1, 2], [1, 1, 1], [1, 1, -1], "reversed_polarity: bus_1.i_c_a"),
    ],
)
def test_record__wrong_connection__stops(bench, tmp_path, order, signs, i_signs, said):
    v = wave(NOMINAL_V * TURN, 1200)[order] * np.array(signs)[:, None]
    i = currents()[order] * np.array(i_signs)[:, None]
    config = write_record(tmp_path, v, i)
    with pytest.raises(IngestionError, match=said):
        bench.run(config, proposed(config), dataset="east")


def test_record__ratio_left_out__voltage_level_is_wrong(bench, tmp_path):
    config = write_record(tmp_path, fault(), currents())
    with pytest.raises(IngestionError, match=r"voltage_level: bus_1.v_a_v|wrong_unit: bus_1.v_a_v"):
        bench.run(config, proposed(config).replace(", ratio: 1100", ""), dataset="east")


@pytest.mark.parametrize("kind", ["ASCII", "BINARY"])
def test_record__data_file_cut__says_how_much_is_there(bench, tmp_path, kind):
    config = write_record(tmp_path, fault(), currents(), kind)
    text = proposed(config)
    data = config.with_suffix(".dat")
    data.write_bytes(data.read_bytes()[: data.stat().st_size // 2])
    with pytest.raises(IngestionError, match=r"holds \d+ of the 1200 samples|not a readable COMTRADE record"):
        bench.run(config, text, dataset="east")
    data.unlink()
    with pytest.raises(IngestionError, match=r"no \.dat file beside it"):
        bench.run(config, text, dataset="east")


def test_half_cycle_rms__agrees_with_a_window_moved_sample_by_sample():
    v = fault(residual=0.7, begin=433)
    end, rms = half_cycle_rms(v, RATE_HZ, F_HZ)
    length = round(RATE_HZ / F_HZ)
    moved = np.array([np.sqrt(np.mean(v[0, k : k + length] ** 2)) for k in range(v.shape[1] - length + 1)])
    np.testing.assert_allclose(rms[0], moved[np.rint(end * RATE_HZ).astype(int) - length], rtol=1e-9)
    below = np.flatnonzero(moved < 0.9 * NOMINAL_V)
    back = np.flatnonzero(moved[below[0] :] >= 0.92 * NOMINAL_V)[0] / RATE_HZ
    (sag,) = sags(v, RATE_HZ, F_HZ, NOMINAL_V)
    assert sag.duration_s == pytest.approx(back, abs=0.01)
    assert sag.residual_pu == pytest.approx(moved.min() / NOMINAL_V, abs=0.005)


@pytest.mark.parametrize("f_hz", [50.0, 49.8, 50.3])
def test_phasors__unbalance_at_any_frequency__is_that_of_the_sequences(f_hz):
    positive, negative = NOMINAL_V * TURN, 0.0123 * NOMINAL_V * TURN.conj()
    abc = phasors(wave(positive + negative, 330, f_hz), RATE_HZ, F_HZ)
    assert vuf_pct(abc) == pytest.approx(1.23, abs=0.005)


def test_sags__record_shorter_than_a_cycle__has_none():
    assert sags(wave(NOMINAL_V * TURN, 40), RATE_HZ, F_HZ, NOMINAL_V) == []
    assert np.isnan(phasors(wave(NOMINAL_V * TURN, 40), RATE_HZ, F_HZ)).all()
