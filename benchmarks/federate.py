"""What a federation costs: rounds a second, bytes a round of each model, and how both grow with the sites.

`python -m benchmarks.federate` simulates the tiny profile and takes its rows; `--home <home> --profile quick`
takes those of a home that has some and leaves it as it is, `--models phase_imbalance,energy_loss` chooses. A
site is `--rows` rows, drawn with replacement from all rows of the training substations that a model learns
from, so that there can be as many sites as one likes. Wire, gate and ledger are the real ones; sites compute
in this process, one after the other, on one thread. Progress goes to standard error; the last line of
standard output is one JSON object. `models` has each model at three sites, `sites` some of them by number of
sites:

- `rounds`: rounds that were measured, and `whole`: whether they are all rounds of the federation; no new one
  begins after `--budget` seconds of processor time. A few rounds before them, which load what is loaded only
  once, are not measured;
- `bytes_per_round`: bytes both ways over all sites, and `bytes_per_site`: of one of them, mean over rounds;
- `centre_ms`: processor time of a round at the control centre: messages, gate, aggregation, ledger;
- `site_ms`: that of one site, mean over sites and rounds; `slowest_ms`: of the slowest, mean over the rounds;
- `rounds_per_s`: rounds a second where sites compute at the same time and a network takes no time,
  1000 / (`centre_ms` + `slowest_ms`);
- `product_s`: a product of two matrices of 1000 × 1000 doubles, processor time, the best of ten, so that
  figures of two machines can be compared.

`left_out` names models whose federation cannot be held on such rows, with the reason.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchmarks.homes import arguments_of, chosen_among, lent_or_simulated
from benchmarks.processes import ONE_THREAD, alone, say, seconds_of_product
from switchyard.errors import SwitchyardError
from switchyard.profiles import Profile, load_profile

if TYPE_CHECKING:
    import numpy as np

    from federation.family import LocalData
    from federation.plans import Plan

SITES = (3, 10, 30, 100)
SWEPT = ("phase_imbalance", "energy_loss", "frequency_stability")
"""A tree by counts, a regression by sums, a network by averaging."""
WARM_UP = 3
ROWS, BUDGET_S = 400, 4.0


class Enough(Exception):  # noqa: N818 - nothing has gone wrong
    """As many rounds as were to be measured are over."""


@dataclass
class InMemory:
    """Sites whose rows lie in this process; counts what passes and how long each takes.

    Attributes:
        learner: How the model is federated.
        rows: Local data by site.
        most: Rounds after which it ends the federation.
        budget_s: Processor time after which no new round begins.
        took: Processor time of each site, a list a round, s.
        moved: Bytes both ways, by round.
        first: Processor time of this process when the first round's messages were ready, s.
    """

    learner: Plan
    rows: Mapping[str, LocalData]
    most: int
    budget_s: float
    took: list[list[float]] = field(default_factory=list)
    moved: list[int] = field(default_factory=list)
    begun: float = field(default_factory=time.process_time)
    first: float = 0.0

    def exchange(self, messages: Mapping[str, bytes]) -> dict[str, bytes]:
        """Each site's answer.

        Raises:
            Enough: The measured rounds are over.
        """
        from federation.envelope import seal, unseal
        from federation.wire import decode, encode

        self.first = self.first or time.process_time()
        if len(self.took) >= self.most or time.process_time() - self.begun > self.budget_s:
            raise Enough
        answers, took = {}, []
        for site, data in messages.items():
            start = time.process_time()
            state, asked = unseal(decode(data))
            update = self.learner.family.local_update(state, self.rows[site], site)
            answers[site] = encode(seal(update, _answer(asked)))
            took.append(time.process_time() - start)
        self.took.append(took)
        self.moved.append(sum(map(len, messages.values())) + sum(map(len, answers.values())))
        return answers


def _answer(asked: Any) -> Any:
    import msgspec

    return msgspec.structs.replace(asked, kind="update")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure every model and print the JSON line."""
    parser = arguments_of("benchmarks.federate", __doc__, "tiny")
    parser.add_argument("--rows", type=int, default=ROWS, help="rows of a site")
    parser.add_argument("--budget", type=float, default=BUDGET_S, help="processor time of a federation, s")
    given = parser.parse_args(arguments)
    chosen = models_of(given.profile, given.models)
    os.environ.update(ONE_THREAD)
    with TemporaryDirectory() as name:
        folder = Path(name)
        home = lent_or_simulated(given.home, given.profile, folder / "data")
        found = alone(measure_all, chosen, given.profile, home, given.rows, given.budget)
    result = {"profile": given.profile, "rows_a_site": given.rows, **found}
    print(json.dumps(result, allow_nan=False, sort_keys=True))


def models_of(profile: str, named: str) -> list[str]:
    """The models to federate.

    Raises:
        UsageError: One is not in the profile's federation list.
    """
    known = load_profile(profile).federation.models
    return chosen_among(known, named, f"profile {profile} federates no model")


def measure_all(
    models: Sequence[str], profile: str, home: Path, rows: int, budget_s: float
) -> dict[str, Any]:
    """Figures of all models at three sites, and of some by number of sites."""
    from federation.plans import plan
    from flows import resolving

    resolving.provide()
    product_s = seconds_of_product()
    sized = load_profile(profile)
    at_three: dict[str, Any] = {}
    by_sites: dict[str, Any] = {}
    left_out: dict[str, str] = {}
    for model in models:
        learner = plan(model)
        try:
            data = pooled_rows(learner, sized, home)
            _hold(learner, InMemory(learner, split(data, SITES[0], rows, model), WARM_UP, budget_s))
            for sites in SITES if model in SWEPT else SITES[:1]:
                found = measure(learner, split(data, sites, rows, model), budget_s)
                say(f"{model}, {sites} sites: {found['rounds_per_s']:.3g} rounds/s")
                if sites == SITES[0]:
                    at_three[model] = {"family": learner.family.name, **found}
                if model in SWEPT:
                    by_sites.setdefault(model, {})[str(sites)] = found
        except SwitchyardError as error:
            left_out[model] = error.message
            say(f"{model} is left out: {error.message}")
    return {"product_s": round(product_s, 4), "models": at_three, "sites": by_sites, "left_out": left_out}


def pooled_rows(learner: Plan, profile: Profile, home: Path) -> LocalData:
    """Local data of all training substations together."""
    from federation.fits import pooled
    from switchyard.home import Home

    folders = {site: Home(home).dataset(profile.dataset(site)) for site in profile.training}
    return pooled({site: learner.load(folder, profile.simulation.start) for site, folder in folders.items()})


def split(data: LocalData, sites: int, rows: int, name: str) -> dict[str, LocalData]:
    """As many sites of at most `rows` rows; arrays of one length are the columns of one table."""
    from switchyard.identity import generator

    found: dict[str, LocalData] = {}
    for site in (f"site{at:03d}" for at in range(sites)):
        rng = generator("benchmark", name, site)
        drawn: dict[int, np.ndarray[Any, Any]] = {}
        for values in data.values():
            length = len(values)
            if length not in drawn:
                drawn[length] = rng.integers(length, size=min(length, rows))
        found[site] = {key: values[drawn[len(values)]] for key, values in data.items()}
    return found


def measure(learner: Plan, rows: Mapping[str, LocalData], budget_s: float) -> dict[str, Any]:
    """Hold a federation over `rows`, and say what its rounds cost.

    Raises:
        SwitchyardError: The gate refuses an update, or the family cannot learn from such rows.
    """
    sites = InMemory(learner, rows, 10**6, budget_s)
    start = time.process_time()
    whole = _hold(learner, sites)
    # One that was ended had the messages of one more round ready.
    spent = time.process_time() - (start if whole else sites.first)
    rounds = len(sites.took)
    all_sites = sum(map(sum, sites.took))
    centre_ms = 1e3 * (spent - all_sites) / rounds
    slowest_ms = 1e3 * sum(map(max, sites.took)) / rounds
    moved = sum(sites.moved) / rounds
    return {
        "rounds": rounds,
        "whole": whole,
        "bytes_per_round": round(moved),
        "bytes_per_site": round(moved / len(rows)),
        "centre_ms": round(centre_ms, 3),
        "site_ms": round(1e3 * all_sites / rounds / len(rows), 3),
        "slowest_ms": round(slowest_ms, 3),
        "rounds_per_s": round(1e3 / (centre_ms + slowest_ms), 2),
    }


def _hold(learner: Plan, sites: InMemory) -> bool:
    """Run the federation; whether it came to its end."""
    from federation.errors import FederationError
    from federation.ledger import Ledger
    from federation.rounds import Federation, federate_rounds

    name = learner.definition.name
    federation = Federation(
        identifier=f"{name}.benchmark",
        model=name,
        family=learner.family,
        schema="benchmark",
        settings=learner.settings(learner.definition.defaults, f"{name}.benchmark"),
        enrolled={site: max(map(len, data.values())) for site, data in sites.rows.items()},
    )
    whole = True
    with TemporaryDirectory() as folder:
        try:
            federate_rounds(federation, sites, Ledger(Path(folder) / "ledger.jsonl"))
        except Enough:
            whole = False
    if any(len(took) != len(sites.rows) for took in sites.took):
        raise FederationError(f"{name}: the gate refused a site of the benchmark", "draw more --rows")
    return whole


if __name__ == "__main__":
    main()
