"""Federation on this machine: site processes, rounds, comparison, registration."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

import msgspec

from federation.assessment import assess, load
from federation.confinement import Confinement
from federation.entry import prepare
from federation.envelope import new_nonce
from federation.errors import FederationError
from federation.family import Averaging
from federation.job import Job
from federation.ledger import Ledger
from federation.plans import PLANS, plan, schema_digest
from federation.registration import Global, find, register
from federation.result import FederationResult
from federation.rounds import Federation, Outcome, federate_rounds
from federation.spec import SiteSpec
from federation.terms import PLAIN, Terms
from federation.transport import SiteProcesses
from switchyard.home import Home
from switchyard.log import configure, get_logger
from switchyard.profiles import Profile
from switchyard.settings import get_settings

_log = get_logger("federation")


def ledger_of(home: Home) -> Path:
    """The ledger of an installation."""
    return home.root / "federation" / "ledger.jsonl"


class Centre:
    """The control centre of one installation, with its substations' processes on this machine.

    A context manager. Processes start with the first federation and serve all later ones, so that libraries
    are loaded once: one for each site, and one that compares finished models with others and registers them,
    while sites may be busy with the next model already. Safe to use from several threads: rounds of one
    federation run at a time.

    Args:
        profile: The campaign that the datasets come from.
        home: The installation's folders.
        sites: Folder of each site's contracted dataset, by substation.
        held_out: Held-out substations to compare on; their datasets lie in the home.
        terms: How many sites must take part, and how weights are averaged.
        provide: As in `SiteSpec`; called in every process that learns or compares.
    """

    def __init__(
        self,
        profile: Profile,
        home: Home,
        sites: Mapping[str, Path],
        held_out: Sequence[str],
        *,
        terms: Terms = PLAIN,
        provide: str = "",
    ) -> None:
        self._profile, self._home, self._sites, self._terms = profile, home, dict(sites), terms
        self._held_out = {name: home.dataset(profile.dataset(name)) for name in held_out}
        self._provide = provide
        self._processes: SiteProcesses | None = None
        self._sites_running = ExitStack()
        self._comparing: ProcessPoolExecutor | None = None
        self._rounds, self._starting = Lock(), Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop_sites()
        if self._comparing is not None:
            self._comparing.shutdown(wait=True, cancel_futures=True)

    def federate(
        self,
        name: str,
        *,
        step_key: str,
        params: Mapping[str, float | int | str | bool] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> FederationResult:
        """Federate the model `name` and register the global model, unless this step did before.

        With `SWITCHYARD_POOLING=forbid` the version becomes champion; else it is promoted by the rule only.

        Args:
            name: Model of the catalogue.
            step_key: Key of the federation step.
            params: Hyper-parameters; the model's defaults where not given.
            tags: Further tags of the version.

        Raises:
            TooFewSitesError: Fewer sites than the terms need, from the beginning or because some were refused
                or lost; nothing is registered.
            FederationError: The model has no federation, or a hyper-parameter or the terms are wrong.
            ParityError: The compiled model does not answer as the fitted one; nothing is registered.
        """
        learner = plan(name)
        self._terms.check(name, self._sites, averages=isinstance(learner.family, Averaging))
        job = Job(
            learner, self._profile, self._home, self._sites, self._held_out, dict(params or {}), self._terms
        )
        done = find(self._home, name, step_key)
        if done is not None:
            _log.info("%s: this step has registered its federated version before", name)
            return done
        started = time.monotonic()
        with self._rounds:
            waited = time.monotonic() - started
            outcome = self._run_rounds(job)
        seconds = round(time.monotonic() - started - waited, 2)
        return self._conclude(After(job, outcome, step_key, dict(tags or {}), seconds))

    def _run_rounds(self, job: Job) -> Outcome:
        federation = Federation(
            identifier=f"{job.plan.definition.name}.{job.profile.name}.{new_nonce()[:12]}",
            model=job.plan.definition.name,
            family=job.plan.family,
            schema=schema_digest(job.plan.definition),
            settings=job.settings,
            enrolled=job.enrolled,
            terms=job.terms,
        )
        if self._processes is None:
            self._processes = self._sites_running.enter_context(SiteProcesses(specs(job, self._provide)))
        try:
            outcome = federate_rounds(federation, self._processes, Ledger(ledger_of(self._home)))
        except BaseException:
            # A site may still be busy with an answer that nobody waits for.
            self._stop_sites()
            raise
        if self._processes.lost:
            # The next model's federation begins with all sites again.
            self._stop_sites()
        return outcome

    def _stop_sites(self) -> None:
        self._processes = None
        self._sites_running.close()

    def _conclude(self, after: After) -> FederationResult:
        with self._starting:
            if self._comparing is None:
                self._comparing = ProcessPoolExecutor(
                    1, get_context("spawn"), initializer=prepare, initargs=(self._provide,)
                )
            comparing = self._comparing
        try:
            return comparing.submit(_conclude_logged, after, get_settings().log_level).result()
        except BrokenProcessPool as error:
            with self._starting:
                if self._comparing is comparing:
                    self._comparing = None
            raise FederationError(
                f"{after.job.plan.definition.name}: the process that compares and registers was killed",
                "look for exhausted memory, then run again",
            ) from error


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


def _conclude_logged(after: After, level: str) -> FederationResult:
    configure(level)
    return conclude(after)


def specs(job: Job, provide: str = "") -> list[SiteSpec]:
    """What each site's process is told; it may be asked to learn any model that is federated."""
    settings = get_settings()
    folders = {site: folder.resolve() for site, folder in job.sites.items()}
    extra = () if settings.substations_dir is None else (settings.substations_dir,)
    return [
        SiteSpec(
            name=site,
            models=tuple(PLANS),
            dataset=folder,
            start=job.profile.simulation.start,
            confinement=Confinement(
                own=folder,
                protected=(job.home.root, *(other for name, other in folders.items() if name != site)),
                extra=extra,
            ),
            log_level=settings.log_level,
            provide=provide,
        )
        for site, folder in sorted(folders.items())
    ]
