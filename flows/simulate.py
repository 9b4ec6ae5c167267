"""The flow `simulate`: from descriptions to contracted tables with features."""

from __future__ import annotations

from typing import Literal

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.task_runners import ThreadPoolTaskRunner

from flows import artifacts
from flows.job import Job
from flows.run_lock import run_lock
from flows.stages import data
from switchyard.steps import StepRecord


@task(name="boundary", task_run_name="boundary", cache_policy=NO_CACHE)
def solve_boundary(simulator: data.Simulator) -> StepRecord:
    """Check the circuits and dispatch the transmission grid around them."""
    return simulator.boundary()


@task(name="simulate", task_run_name="simulate-{name}", cache_policy=NO_CACHE)
def simulate_substation(simulator: data.Simulator, name: str, grid: StepRecord) -> StepRecord:
    """Simulate one substation's campaign in worker processes."""
    progress = artifacts.ProgressBar(f"simulate-{name}", f"Campaign of {name}")
    record = simulator.simulate(name, grid, progress)
    progress(1.0)
    return record


@task(name="contract", task_run_name="contract-{name}", cache_policy=NO_CACHE)
def enforce_contract(job: Job, name: str, simulated: StepRecord) -> StepRecord:
    """Quarantine what breaks its contract, accept the rest."""
    return data.contract(job, name, simulated)


@task(name="features", task_run_name="features-{name}", cache_policy=NO_CACHE)
def compute_features(job: Job, name: str, contracted: StepRecord) -> StepRecord:
    """Compute the feature catalogue over every window."""
    return data.features(job, name, contracted)


# One thread beside the simulation: what the contracts' library prints and patches is global.
@flow(
    name="simulate",
    flow_run_name="simulate-{profile}",
    task_runner=ThreadPoolTaskRunner(max_workers=1),
)
def simulate(
    profile: str = "quick", home: str | None = None, runner: Literal["processes", "dask"] = "processes"
) -> dict[str, StepRecord]:
    """Simulate the profile's substations, check the tables against their contracts, compute features.

    Finished steps are skipped; parts that a killed run finished are kept.

    Args:
        profile: Size of the campaign: tiny, quick, full, or the path of a YAML file.
        home: Folder for everything that is written. None: the home of `switchyard up`, else
            SWITCHYARD_HOME.
        runner: Whose worker processes simulate: our own, or those of a local Dask cluster.

    Returns:
        Record of the stage `features` of each substation.
    """
    job = Job.of(profile, home)
    with run_lock(job.home), data.Simulator(job, runner) as simulator:
        grid = solve_boundary(simulator)
        contracted, featured = {}, {}
        for name in job.profile.substations:
            simulated = simulate_substation(simulator, name, grid)
            contracted[name] = enforce_contract.submit(job, name, simulated)
            featured[name] = compute_features.submit(job, name, contracted[name])
        records = {name: future.result() for name, future in featured.items()}
        artifacts.contracts(future.result().result["report"] for future in contracted.values())
    return records
