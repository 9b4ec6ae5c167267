"""What wears equipment: hot spots, equivalent loads, currents on the way from the grid to the feeders."""

import numpy as np
import pytest

from simulation.ageing.paths import bus_reactance_ohm, station_paths
from simulation.ageing.thermal import ageing_rate, equivalent_load, transformer_hot_spot
from substations.description import Substation
from tests.simulation.ageing_pieces import SOURCE_MVA


def test_hot_spot__rated_load_and_20_degrees__is_98() -> None:
    """IEC 60076-7: rated rises of 52 and 26 K give 98 °C at 20 °C, where paper ages at rate 1."""
    hot = transformer_hot_spot(np.array([20.0]), np.array([1.0]))

    assert hot == pytest.approx([98.0])
    assert ageing_rate(hot) == pytest.approx([1.0])
    assert ageing_rate(hot + 6.0) == pytest.approx([2.0])


def test_hot_spot__half_and_no_load__is_the_standard_s_equation() -> None:
    hot = transformer_hot_spot(np.array([25.0, 25.0]), np.array([0.0, 0.5]))

    assert hot[0] == pytest.approx(25.0 + 52.0 * (1.0 / 7.0) ** 0.8)
    assert hot[1] == pytest.approx(25.0 + 52.0 * (2.5 / 7.0) ** 0.8 + 26.0 * 0.5**1.3)


def test_equivalent_load__of_a_sine_and_of_harmonics__is_that_of_c57_110() -> None:
    load = np.array([0.8])

    assert equivalent_load(load, 1.0) == pytest.approx(load)
    assert equivalent_load(load, 4.0) ** 2 == pytest.approx(load**2 * 1.4 / 1.1)


def test_bus_reactance__behind_one_transformer__is_source_and_transformer_in_series(
    mumbai: Substation,
) -> None:
    x_220 = bus_reactance_ohm(mumbai, "mv1", SOURCE_MVA)

    assert x_220 == pytest.approx(220.0**2 / SOURCE_MVA + 0.125 * 220.0**2 / 315.0)
    assert bus_reactance_ohm(mumbai, "lv1", SOURCE_MVA) == pytest.approx(
        x_220 * (33.0 / 220.0) ** 2 + 0.125 * 33.0**2 / 50.0
    )


def test_paths__feeder_bay_and_transformer__carry_what_hangs_on_them(mumbai: Substation) -> None:
    assets = sorted(mumbai.assets, key=lambda asset: asset.id)
    paths = {asset.id: path for asset, path in zip(assets, station_paths(mumbai, assets), strict=True)}
    feeders = [feeder.id for feeder in mumbai.feeders]

    assert dict(zip(feeders, paths["F331.CB"].weights, strict=True))["F331"] == 1.0
    assert paths["F331.CB"].weights.sum() == 1.0
    on_lv1 = [feeder.bus == "lv1" for feeder in mumbai.feeders]
    assert paths["DTX1"].weights == pytest.approx(np.array(on_lv1, dtype=float))
    below_at1 = [feeder.bus in ("mv1", "lv1") for feeder in mumbai.feeders]
    assert paths["AT1"].weights == pytest.approx(np.array(below_at1, dtype=float))
    assert paths["LV1.VT"].weights.sum() == 0.0
    assert paths["F331.LA"].carries.sum() == 0.0
