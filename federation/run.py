"""Federation on this machine: site processes, rounds, comparison, registration."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec

from federation.assessment import assess, load
from federation.confinement import Confinement
from federation.entry import prepare
from federation.envelope import new_nonce
from federation.errors import FederationError
from federation.family import Averaging
from federation.job import Job
from federation.judgement import Judgement
from federation.ledger import Ledger
from federation.measured import Measured
from federation.message import State
from federation.observed import judge
from federation.own_rows import single_out, weigh
from federation.plans import PLANS, plan, schema_digest
from federation.registration import Global, find, register
from federation.result import FederationResult
from federation.rounds import Federation, Outcome, federate_rounds
from federation.spec import SiteSpec
from federation.terms import PLAIN, Terms
from federation.transport import SiteProcesses
from federation.veto import Settled, settle
from switchyard.home import Home
from switchyard.log import configure, get_logger
from switchyard.profiles import Profile
from switchyard.settings import get_settings

Result = TypeVar("Result")

COMPARING = 2
"""Processes that judge, compare and register: sites mostly wait, since rounds of one model run at a time."""

_log = get_logger("federation")


def ledger_of(home: Home) -> Path:
    """The ledger of an installation."""
    return home.root / "federation" / "ledger.jsonl"


class Centre:
    """The control centre of one installation, with its substations' processes on this machine.

    A context manager. Processes start with the first federation and serve all later ones, so that libraries
    are loaded once: one for each site, and two that compare finished models with others and register them,
    while sites may be busy with the next model already. Safe to use from several threads: rounds of one
    federation run at a time.

    Args:
        profile: The campaign that the datasets come from.
        home: The installation's folders.
        sites: Folder of each site's contracted dataset, by substation.
        held_out: Held-out substations to compare on; their datasets lie in the home.
        terms: How many sites must take part, and how weights are averaged.
        provide: As in `SiteSpec`; called in every process that learns or compares.
        measured: As in `Job`.
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
        measured: Measured | None = None,
    ) -> None:
        self._profile, self._home, self._sites, self._terms = profile, home, dict(sites), terms
        self._held_out = {name: home.dataset(profile.dataset(name)) for name in held_out}
        self._provide, self._measured = provide, measured
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
            learner,
            self._profile,
            self._home,
            self._sites,
            self._held_out,
            dict(params or {}),
            self._terms,
            self._measured,
        )
        done = find(self._home, job.registered, step_key)
        if done is not None:
            _log.info("%s: this step has registered its federated version before", name)
            return done
        settled, seconds = self._settle(job)
        after = After(job, settled.outcome, step_key, dict(tags or {}), seconds, settled.judgements)
        return self.elsewhere(name, conclude, after)

    def _settle(self, job: Job) -> tuple[Settled, float]:
        """Rounds until the control centre's rows say nothing against a site, and the seconds they took."""
        federation = Federation(
            identifier=f"{job.registered}.{job.profile.name}.{new_nonce()[:12]}",
            model=job.plan.definition.name,
            family=job.plan.family,
            schema=schema_digest(job.plan.definition),
            settings=job.settings,
            enrolled=job.enrolled,
            terms=job.terms,
        )
        took: list[float] = []

        def run(asked: Federation) -> Outcome:
            with self._rounds:
                started = time.monotonic()
                outcome = self._run_rounds(job, asked)
                took.append(time.monotonic() - started)
            return outcome

        settled = settle(federation, run, _Judge(self, job), Ledger(ledger_of(self._home)))
        return settled, round(sum(took), 2)

    def _run_rounds(self, job: Job, federation: Federation) -> Outcome:
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

    def elsewhere(self, name: str, work: Callable[..., Result], *given: Any) -> Result:
        """Call a function in a process that compares and registers.

        Raises:
            FederationError: The process was killed.
        """
        with self._starting:
            if self._comparing is None:
                self._comparing = ProcessPoolExecutor(
                    COMPARING, get_context("spawn"), initializer=prepare, initargs=(self._provide,)
                )
            comparing = self._comparing
        try:
            return comparing.submit(_logged, get_settings().log_level, work, *given).result()
        except BrokenProcessPool as error:
            with self._starting:
                if self._comparing is comparing:
                    self._comparing = None
            raise FederationError(
                f"{name}: a process that compares and registers was killed",
                "look for exhausted memory, then run again",
            ) from error


@dataclass(frozen=True, slots=True)
class _Judge:
    """Judges by the control centre's rows, in a process that compares."""

    centre: Centre
    job: Job

    def weigh(self, state: State, contributors: tuple[str, ...]) -> Judgement:
        """As `OwnRows.weigh`."""
        return self.centre.elsewhere(self.job.registered, weigh, self.job, state, contributors)

    def single_out(self, judged: Judgement, state: State, without: Mapping[str, State]) -> Judgement:
        """As `OwnRows.single_out`."""
        return self.centre.elsewhere(self.job.registered, single_out, self.job, judged, state, dict(without))


@dataclass(frozen=True, slots=True)
class After:
    """What is left to do when the rounds are over.

    Attributes:
        job: What was federated.
        outcome: What the rounds came to.
        step_key: Key of the federation step.
        tags: Further tags of the version.
        seconds: Wall time of the rounds.
        judgements: What the control centre's own rows said.
    """

    job: Job
    outcome: Outcome
    step_key: str
    tags: Mapping[str, str]
    seconds: float
    judgements: tuple[Judgement, ...] = ()


def conclude(after: After) -> FederationResult:
    """Compare the finished model and register it.

    Raises:
        ParityError: The compiled model does not answer as the fitted one; nothing is registered.
    """
    job, outcome = after.job, after.outcome
    started = time.monotonic()
    fitted = job.plan.fitted(outcome.state)
    if job.measured is not None:
        pool, result = judge(job, job.measured, outcome, fitted)
    else:
        pool = load(job, tuple(sorted(outcome.n)))
        result = assess(job, outcome, pool, fitted)
    result = msgspec.structs.replace(result, judgements=after.judgements)
    seconds = {"rounds": after.seconds, "compare": round(time.monotonic() - started, 2)}
    work = job.home.root / "tmp" / f"{job.plan.definition.name}-federated-{after.step_key[:16]}"
    shutil.rmtree(work, ignore_errors=True)
    try:
        made = Global(job, outcome, fitted, pool, after.step_key, after.tags)
        return register(made, msgspec.structs.replace(result, seconds=seconds), work)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _logged(level: str, work: Callable[..., Result], *given: Any) -> Result:
    configure(level)
    return work(*given)


def specs(job: Job, provide: str = "") -> list[SiteSpec]:
    """What each site's process is told; it may be asked to learn any model that is federated."""
    settings = get_settings()
    folders = {site: folder.resolve() for site, folder in job.sites.items()}
    extra = () if settings.substations_dir is None else (settings.substations_dir,)
    splits = {} if job.measured is None else {site: of.text for site, of in job.measured.splits.items()}
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
            split=splits.get(site, ""),
            provide=provide,
        )
        for site, folder in sorted(folders.items())
    ]
