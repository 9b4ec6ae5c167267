"""Each site's own version of a global model in the registry, as `<model>.<substation>`.

They are registered before the global one: a run that was killed in between finds those that are there and
goes on. The first version of such a name is its champion; who is served by it is decided on publication.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from federation.comparison import SiteFigures
from federation.family import Tuned
from federation.probes import probe_rows
from models import card, compilation, registry, tracking
from models.registry import RegisteredVersion
from models.runtime import CompiledModel
from models.splits import TEST

if TYPE_CHECKING:
    from federation.registration import Global
    from federation.result import FederationResult

TRAINED_BY = "fine_tuned"


def register_own(
    made: Global, result: FederationResult, tags: Mapping[str, str], work: Path
) -> Iterator[RegisteredVersion]:
    """Compile, prove and register each site's version.

    Args:
        made: The global model with the sites' versions of it.
        result: Its figures.
        tags: Tags of the global version.
        work: Folder in which new folders for the compiled files are made.

    Raises:
        ParityError: A compiled and a fitted version differ; it is not registered, nor those after it.
    """
    figures = {site.substation: site for site in result.comparison.sites}
    for substation, tuned in sorted(made.outcome.tuned.items()):
        yield _register(made, figures[substation], tuned, {**tags, **_tags(result, tuned, substation)}, work)


def _tags(result: FederationResult, tuned: Tuned, substation: str) -> dict[str, str]:
    return {
        "trained_by": TRAINED_BY,
        # The model's bars are about all training substations together.
        "bar": "",
        "substation": substation,
        "helped": "yes" if tuned.helped else "no",
        "validation_loss": f"{tuned.after:.6g}",
        "validation_loss_of_global": f"{tuned.before:.6g}",
        "n_own": str(result.n[substation]),
    }


def _register(
    made: Global, figures: SiteFigures, tuned: Tuned, tags: Mapping[str, str], work: Path
) -> RegisteredVersion:
    home, plan, substation = made.job.home, made.job.plan, figures.substation
    definition, name = plan.definition, f"{made.job.registered}.{substation}"
    done = registry.find(home, name, made.step_key)
    if done is not None:
        return done
    fitted, probes = plan.fitted(tuned.state), probe_rows(plan, tuned.state)
    compiled = work / substation / registry.COMPILED
    compilation.compile_into(definition, fitted, probes, compiled)
    graph = CompiledModel((compiled / compilation.MODEL_FILE).read_bytes())
    rows = made.pool.split(TEST)
    own = rows.select(np.flatnonzero(rows.substation.array() == substation))
    compilation.check_parity(definition, fitted, definition.compile(fitted), graph, own)
    store = tracking.connect(home)
    run_id = tracking.parent_run(store, definition.name, made.step_key, f"{TRAINED_BY}.{substation}", tags)
    tracking.log_datasets(store, run_id, made.pool.digests, "federation")
    known = {
        "federation/global": figures.federated,
        "federation/fine_tuned": figures.fine_tuned,
        "federation/validation_loss": tuned.after,
    }
    tracking.log_figures(
        store,
        run_id,
        {key: value for key, value in known.items() if value is not None},
        made.job.hyper_parameters,
    )
    package = registry.Package(
        definition,
        fitted,
        compiled,
        probes,
        msgspec.to_builtins(figures),
        card.write(definition, (), tags, made.job.hyper_parameters, name),
    )
    version = registry.register(home, package, registered=name, run_id=run_id, tags=tags)
    tracking.finish(store, run_id)
    return version
