"""What it costs to train each model: seconds a stage, memory, size, and how the compiled form compares.

`python -m benchmarks.train` simulates the quick profile and trains its models one after another, each in a
process of its own with one thread; `--home <home>` takes the data of a home that has some and leaves it as it
is, `--models load_forecast,voltage_sag` chooses. Progress goes to standard error; the last line of standard
output is one JSON object. Of each model:

- `seconds`: wall time of its stages, from reading tables to registering; `cpu_s`: processor time of them all,
  the processes that they start included; `products`: `cpu_s` in products of two matrices of 1000 × 1000
  doubles, which that process timed at its beginning (`product_s`, processor time, the best of ten), so that
  figures of two machines can be compared;
- `rows`: training rows; `tuning_rows`: rows at most in a trial; `trials`: trials of the search;
- `peak_mb`: largest resident memory of the process, 10^6 bytes;
- `compared_rows`: rows of the held-out substations, or test rows where there are none, that the fitted and
  the compiled model answered both; `largest_difference` of their outputs, and `flips`: answers that differ in
  anything but a number within the tolerance;
- `compiled_bytes`; `compiled_us` and `native_us`: one row by the compiled model and by the library that
  fitted it, median wall time; `native_to_compiled` is their ratio. A model without a library's estimator has
  no `native_us`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.homes import arguments_of, chosen_among, lent_or_simulated
from benchmarks.processes import ONE_THREAD, alone, peak_mb, processor_s, say, seconds_of_product
from switchyard.profiles import load_profile

MOST_COMPARED = 10_000
KEY = "benchmark"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure every model once and print the JSON line."""
    given = arguments_of("benchmarks.train", __doc__, "quick").parse_args(arguments)
    chosen = models_of(given.profile, given.models)
    os.environ.update(ONE_THREAD)
    with TemporaryDirectory() as name:
        folder = Path(name)
        # This process stays small: what it holds counts in the peak of those that it starts.
        home = lent_or_simulated(given.home, given.profile, folder / "data")
        figures = {}
        for model in chosen:
            figures[model] = found = alone(measured, model, given.profile, home, folder / model)
            say(f"{model}: {found['cpu_s']:.1f} s of processor time, {found['peak_mb']:.0f} MB")
    result = {
        "profile": given.profile,
        "cpu_s": round(sum(found["cpu_s"] for found in figures.values()), 1),
        "peak_mb": max((found["peak_mb"] for found in figures.values()), default=0.0),
        "models": figures,
    }
    print(json.dumps(result, allow_nan=False, sort_keys=True))


def models_of(profile: str, named: str) -> list[str]:
    """The models to train.

    Raises:
        UsageError: One is not in the profile.
    """
    return chosen_among(load_profile(profile).models, named, f"profile {profile} trains no model")


def measured(model: str, profile: str, home: Path, folder: Path) -> dict[str, Any]:
    """Train one model on the data in `home`, write into `folder`, and say what it cost."""
    import numpy as np

    from flows import resolving
    from models import compilation, training
    from models.pool import Pool
    from models.protocol import Definition
    from models.runtime import CompiledModel
    from models.splits import TEST
    from switchyard.home import Home

    product_s = seconds_of_product()
    resolving.provide()
    sized, data = load_profile(profile), Home(home)
    datasets = {name: data.dataset(sized.dataset(name)) for name in sized.substations}
    compared: list[compilation.Parity] = []
    spent: list[float] = []

    def watch(declared: Definition[Any], fitted: Any, pool: Pool) -> None:
        # Before the comparison, which no training does.
        spent.extend((processor_s(), peak_mb()))
        rows = pool.split(TEST) if pool.held_out is None else pool.held_out
        rows = rows.select(np.arange(0, len(rows), 1 + len(rows) // MOST_COMPARED))
        compiled = declared.compile(fitted)
        graph = CompiledModel(compiled.onnx)
        compared.append(compilation.check_parity(declared, fitted, compiled, graph, rows))

    begin = processor_s()
    result = training.train(model, sized, Home(folder), datasets, KEY, watch=watch)
    end, peak = spent
    cpu_s = end - begin
    (parity,) = compared
    cost = result.footprint
    native = {} if cost.native_row_us is None else {
        "native_us": cost.native_row_us,
        "native_to_compiled": round(cost.native_row_us / cost.one_row_us, 1),
    }  # fmt: skip
    return {
        "seconds": result.seconds,
        "cpu_s": round(cpu_s, 2),
        "product_s": round(product_s, 4),
        "products": round(cpu_s / product_s),
        "rows": cost.rows_trained,
        "tuning_rows": min(sized.tuning.max_rows, cost.rows_trained),
        "trials": sized.tuning.trials[model],
        "peak_mb": round(peak, 1),
        "compared_rows": parity.rows,
        "largest_difference": parity.largest,
        "flips": parity.flips,
        "compiled_bytes": cost.compiled_bytes,
        "compiled_us": cost.one_row_us,
        **native,
    }


if __name__ == "__main__":
    main()
