"""One model's federation on this machine: site processes, rounds, comparison, registration."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import msgspec

from federation.assessment import assess, load
from federation.confinement import Confinement
from federation.entry import prepare
from federation.envelope import new_nonce
from federation.errors import FederationError, TooFewSitesError
from federation.job import Job
from federation.ledger import Ledger
from federation.plans import plan, schema_digest
from federation.registration import Global, find, register
from federation.result import FederationResult
from federation.rounds import Federation, Outcome, federate_rounds
from federation.spec import SiteSpec
from federation.transport import SiteProcesses
from switchyard.home import Home
from switchyard.log import configure, get_logger
from switchyard.profiles import Profile
from switchyard.settings import get_settings

_log = get_logger("federation")


def ledger_of(home: Home) -> Path:
    """The ledger of an installation."""
    return home.root / "federation" / "ledger.jsonl"


def federate(
    name: str,
    profile: Profile,
    home: Home,
    sites: Mapping[str, Path],
    held_out: Sequence[str],
    *,
    step_key: str,
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
        _log.info("%s: this step has registered its federated version before", name)
        return done
    started = time.monotonic()
    outcome = run_rounds(job)
    after = After(job, outcome, step_key, dict(tags or {}), round(time.monotonic() - started, 2))
    return _elsewhere(after) if job.plan.apart else conclude(after)


@dataclass(frozen=True, slots=True)
class After:
    """What is left to do when the rounds are over.

    Attributes:
        job: What was federated.
        outcome: What the rounds came to.
        step_key: Key of the federation step.
        tags: Further tags of the version.
        seconds: Wall time of the rounds.
    """

    job: Job
    outcome: Outcome
    step_key: str
    tags: Mapping[str, str]
    seconds: float


def conclude(after: After) -> FederationResult:
    """Compare the finished model and register it.

    Raises:
        ParityError: The compiled model does not answer as the fitted one; nothing is registered.
    """
    job, outcome = after.job, after.outcome
    started = time.monotonic()
    fitted = job.plan.fitted(outcome.state)
    pool = load(job, tuple(sorted(outcome.n)))
    result = assess(job, outcome, pool, fitted)
    seconds = {"rounds": after.seconds, "compare": round(time.monotonic() - started, 2)}
    work = job.home.root / "tmp" / f"{job.plan.definition.name}-federated-{after.step_key[:16]}"
    shutil.rmtree(work, ignore_errors=True)
    try:
        made = Global(job, outcome, fitted, pool, after.step_key, after.tags)
        return register(made, msgspec.structs.replace(result, seconds=seconds), work)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _elsewhere(after: After) -> FederationResult:
    """`conclude` in a process of its own, which ends with its work and with this process."""
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=prepare) as pool:
        try:
            return pool.submit(_conclude_logged, after, get_settings().log_level).result()
        except BrokenProcessPool as error:
            raise FederationError(
                f"{after.job.plan.definition.name}: the process that compares and registers was killed",
                "look for exhausted memory, then run again",
            ) from error


def _conclude_logged(after: After, level: str) -> FederationResult:
    configure(level)
    return conclude(after)


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
