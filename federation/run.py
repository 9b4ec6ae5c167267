"""One model's federation on this machine: site processes, rounds, comparison, registration."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from data_contracts.dataset import Dataset
from federation.comparison import Comparison, compare
from federation.confinement import Confinement
from federation.envelope import new_nonce
from federation.errors import FederationError, TooFewSitesError
from federation.ledger import Ledger
from federation.plans import Plan, plan, schema_digest
from federation.registration import Global, find, register
from federation.rounds import Federation, Outcome, federate_rounds
from federation.site import SiteSpec
from federation.transport import SiteProcesses
from models import training
from models.evaluation import ReportRow
from models.registry import RegisteredVersion
from models.reports import Footprint
from models.rows import Rows
from models.training import Pool
from switchyard.home import Home
from switchyard.log import get_logger
from switchyard.profiles import Profile
from switchyard.settings import get_settings

_log = get_logger("federation")


class FederationResult(msgspec.Struct, frozen=True):
    """Outcome of one federation; JSON-able by `msgspec.to_builtins`.

    Attributes:
        model: Name of the model.
        version: The registered version; None where it was not registered.
        rows: The global model's rows of the models report.
        footprint: What it costs to serve.
        params: Hyper-parameters.
        parity: Largest difference between the compiled and the fitted model.
        comparison: Its figures beside central and local ones.
        n: Training rows by contributing substation, n_k.
        refused: Substations left out, with the reason.
        ledger_head: Digest of the last ledger record.
        seconds: Wall time of each stage.
        skipped: True when this step had registered its version before.
    """

    model: str
    version: RegisteredVersion | None
    rows: tuple[ReportRow, ...]
    footprint: Footprint
    params: dict[str, float | int | str | bool]
    parity: float
    comparison: Comparison
    n: dict[str, int]
    refused: dict[str, str]
    ledger_head: str
    seconds: dict[str, float]
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be federated.

    Attributes:
        plan: How the model is federated.
        profile: The campaign.
        home: The installation's folders.
        sites: Dataset folder of each site.
        held_out: Dataset folder of each held-out substation.
        params: Hyper-parameters, over the model's defaults.
    """

    plan: Plan
    profile: Profile
    home: Home
    sites: Mapping[str, Path]
    held_out: Mapping[str, Path]
    params: Mapping[str, float | int | str | bool]

    @property
    def settings(self) -> dict[str, Any]:
        """The family's settings."""
        name = self.plan.definition.name
        return self.plan.settings(self.params, f"{name}.{self.profile.name}.{self.profile.seed}")

    @property
    def enrolled(self) -> dict[str, int]:
        """Windows that each site can have at most, by its dataset's manifest."""
        return {
            site: Dataset.open(folder).manifest.tables["readings"].rows // self.profile.features.stride_s
            for site, folder in sorted(self.sites.items())
        }


def ledger_of(home: Home) -> Path:
    """The ledger of an installation."""
    return home.root / "federation" / "ledger.jsonl"


def federate(
    name: str,
    profile: Profile,
    home: Home,
    sites: Mapping[str, Path],
    held_out: Sequence[str],
    step_key: str,
    *,
    params: Mapping[str, float | int | str | bool] | None = None,
    tags: Mapping[str, str] | None = None,
) -> FederationResult:
    """Federate the model `name` over `sites` and register the global model, unless this step did before.

    With `SWITCHYARD_POOLING=forbid` the version becomes champion; else it is promoted by the rule only.

    Args:
        name: Model of the catalogue.
        profile: The campaign that the datasets come from.
        home: The installation's folders.
        sites: Folder of each site's contracted dataset, by substation.
        held_out: Held-out substations to compare on; their datasets lie in the home.
        step_key: Key of the federation step.
        params: Hyper-parameters; the model's defaults where not given.
        tags: Further tags of the version.

    Raises:
        TooFewSitesError: Fewer than two sites; nothing is registered.
        FederationError: The model has no federation, or a hyper-parameter is wrong.
        SiteError: A site process was lost.
        ParityError: The compiled model does not answer as the fitted one; nothing is registered.
    """
    if len(sites) < 2:
        raise TooFewSitesError(
            f"{name}: a global model needs two substations, there is {', '.join(sites) or 'none'}",
            "add a substation to the profile's training list, or serve the local model",
        )
    job = Job(
        plan(name),
        profile,
        home,
        dict(sites),
        {substation: home.dataset(profile.dataset(substation)) for substation in held_out},
        dict(params or {}),
    )
    done = find(home, name, step_key)
    if done is not None:
        version, report = done
        _log.info("%s: federated version %d was registered by this step before", name, version.version)
        return msgspec.structs.replace(
            msgspec.convert(report, FederationResult), version=version, skipped=True
        )
    started = time.monotonic()
    outcome = run_rounds(job)
    federated = time.monotonic()
    pool = load(job, tuple(outcome.n))
    result = assess(job, outcome, pool)
    compared = time.monotonic()
    work = home.root / "tmp" / f"{name}-federated-{step_key[:16]}"
    shutil.rmtree(work, ignore_errors=True)
    try:
        made = Global(job.plan, outcome, pool, step_key, dict(tags or {}))
        seconds = {"rounds": round(federated - started, 2), "compare": round(compared - federated, 2)}
        return register(home, made, msgspec.structs.replace(result, seconds=seconds), work)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def run_rounds(job: Job) -> Outcome:
    """Start a process per site, run the rounds, stop the processes."""
    definition, settings = job.plan.definition, get_settings()
    folders = {site: folder.resolve() for site, folder in job.sites.items()}
    extra = () if settings.substations_dir is None else (settings.substations_dir,)
    specs = [
        SiteSpec(
            name=site,
            model=definition.name,
            dataset=folder,
            start=job.profile.simulation.start,
            confinement=Confinement(
                own=folder,
                protected=(job.home.root, *(other for name, other in folders.items() if name != site)),
                extra=extra,
            ),
            log_level=settings.log_level,
        )
        for site, folder in sorted(folders.items())
    ]
    federation = Federation(
        identifier=f"{definition.name}.{job.profile.name}.{new_nonce()[:12]}",
        model=definition.name,
        family=job.plan.family,
        schema=schema_digest(definition),
        settings=job.settings,
        enrolled=job.enrolled,
    )
    with SiteProcesses(specs) as transport:
        return federate_rounds(federation, transport, Ledger(ledger_of(job.home)))
