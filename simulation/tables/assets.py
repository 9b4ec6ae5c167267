"""Rows of `assets`: one piece of equipment and one day a row."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.rules.assets import HORIZON_D
from data_contracts.tables.assets import ASSETS
from simulation.ageing.campaign import Observation
from simulation.ageing.gases import GASES
from simulation.ageing.hazard import YEAR_D
from simulation.ageing.paths import ASIDE
from simulation.clock import DAY_S, local_midnight
from simulation.noise import Floats
from simulation.tables.parquet import array, instants, words, write_table
from substations.description import Substation

if TYPE_CHECKING:
    import pyarrow as pa


def write_assets(path: Path, substation: Substation, observation: Observation) -> int:
    """Write the table, sorted by asset and time; the number of rows is returned."""
    import pyarrow as pa

    fleet, stress, lives = observation.fleet, observation.stress, observation.lives
    days, count = lives.hazard.shape
    states, on, failed, time = lives.recorded, lives.in_service, lives.failed, lives.time_to_event_d
    aside = np.isin(np.array(fleet.kind), ASIDE)

    def floats(values: Floats, absent: NDArray[np.bool_] | None = None) -> pa.Array[Any]:
        shown = values if absent is None else np.where(absent, np.nan, values)
        return array(np.ascontiguousarray(shown.T).ravel())

    def counts(values: Floats | NDArray[np.int32], absent: NDArray[np.bool_] | None = None) -> pa.Array[Any]:
        flat = np.ascontiguousarray(np.rint(values).T).ravel().astype(np.int32)
        mask = None if absent is None else np.repeat(absent, days)
        return pa.array(flat, pa.int32(), mask=mask)

    def flags(values: NDArray[np.bool_], absent: NDArray[np.bool_] | None = None) -> pa.Array[Any]:
        mask = None if absent is None else np.ascontiguousarray(absent.T).ravel()
        return pa.array(np.ascontiguousarray(values.T).ravel(), pa.bool_(), mask=mask)

    def named(values: tuple[str, ...]) -> pa.Array[Any]:
        vocabulary = tuple(dict.fromkeys(values))
        return words(np.repeat([vocabulary.index(value) for value in values], days), vocabulary)

    with np.errstate(invalid="ignore"):
        unknown = ~on | (~failed & (time < HORIZON_D))
        within = failed & (time <= HORIZON_D)
    begin = local_midnight(observation.first, substation.utc_offset_s)
    columns = {
        "substation": words(np.zeros(days * count, dtype=np.int32), (substation.name,)),
        "asset": named(fleet.names),
        "t": instants(np.tile(begin + DAY_S * np.arange(days), count)),
        "kind": named(fleet.kind),
        "bay": named(fleet.bay),
        "in_service": flags(on),
        "forced_outage": flags(~on),
        "spell": counts(lives.spell),
        "age_years": floats(states["age_d"] / YEAR_D),
        "maintenance_age_d": floats(states["idle_d"]),
        "maintained": flags(lives.maintained),
        "ambient_c": array(np.tile(stress.ambient_c, count)),
        "load_pu": floats(stress.load_pu, aside),
        "peak_load_pu": floats(stress.peak_pu, aside),
        "hot_spot_c": floats(stress.hot_c),
        "ageing_rate": floats(stress.ageing),
        "insulation_age_d": floats(states["insulation_d"]),
        "harmonic_factor": floats(stress.harmonic),
        "through_faults": counts(stress.faults),
        "through_faults_total": counts(states["faults"]),
        "i2t_ka2s": floats(stress.i2t_ka2s),
        "i2t_total_ka2s": floats(states["i2t_ka2s"]),
        "moisture_pct": floats(states["moisture_pct"], ~fleet.oil),
        "oltc_operations": counts(states["oltc"], ~fleet.oltc),
        "breaker_operations": counts(states["switchings"], ~fleet.breaker),
        **{f"{gas}_ppm": floats(lives.ppm[k], ~fleet.gases) for k, gas in enumerate(GASES)},
        "dga_age_d": floats(lives.sample_age_d, ~fleet.gases),
        "anomalies_24h": counts(lives.anomalies),
        "anomalies_7d": counts(lives.anomalies_week),
        "anomalies_30d": counts(lives.anomalies_sum),
        "defect_severity": floats(states["severity"]),
        "hazard_per_d": floats(lives.hazard),
        "risk_30d": floats(lives.risk),
        "time_to_event_d": floats(time),
        "failed": flags(failed, ~on),
        "failed_within_30d": flags(within, unknown),
    }
    return write_table(path, ASSETS, columns)
