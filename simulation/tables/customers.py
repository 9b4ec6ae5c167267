"""Rows of `customers`: one customer of a feeder a row."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from data_contracts.tables.customers import CUSTOMERS
from simulation.customers.classes import CLASSES
from simulation.customers.population import SECTORS, draw_customers
from simulation.tables.parquet import array, lists, words, write_table
from substations.description import Substation
from switchyard.profiles import Profile


def write_customers(path: Path, substation: Substation, profile: Profile) -> int:
    """Draw a substation's customers and write them, sorted by name; the number of rows is returned."""
    import pyarrow as pa

    count = profile.simulation.customers
    drawn = draw_customers(substation, count, profile.name, profile.seed)
    working_mean = drawn.working_w.mean(axis=1)
    columns = {
        "customer": pa.array(drawn.names, pa.string()),
        "substation": words(np.zeros(count, dtype=np.int32), (substation.name,)),
        "point": words(drawn.point, tuple(feeder.point for feeder in substation.feeders)),
        "sector": words(drawn.sector, SECTORS),
        "working_w": lists(drawn.working_w),
        "weekend_w": lists(drawn.weekend_w),
        "mean_w": array(drawn.mean_w),
        "peak_w": array(drawn.peak_w),
        "load_factor": array(drawn.mean_w / drawn.peak_w),
        "night_share": array(drawn.night_share),
        "peak_hours_share": array(drawn.peak_hours_share),
        "weekend_ratio": array(drawn.weekend_w.mean(axis=1) / working_mean),
        "ramp_pu": array(drawn.ramp),
        "price_response_pct": array(100.0 * drawn.price_response),
        "temperature_pct_per_k": array(100.0 * drawn.temperature_per_k),
        "variability_pct": array(100.0 * drawn.variability),
        "standby_pct": array(100.0 * drawn.standby),
        "flexible_w": array(drawn.flexible_w),
        "true_class": words(drawn.kind, tuple(CLASSES)),
    }
    return write_table(path, CUSTOMERS, columns)
