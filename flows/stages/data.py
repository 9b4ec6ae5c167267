"""Stages that make data: grid boundary, simulation, contracts, features."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal, Self

import msgspec

import substations
from data_contracts.dataset import MANIFEST, Dataset
from data_contracts.errors import ContractError
from flows.job import Job
from flows.stages.spec import Step
from substations.description import Substation
from switchyard.files import read_json, write_json_atomic
from switchyard.log import get_logger
from switchyard.steps import StepRecord, Work

SIMULATION_ROOMS = ("data_contracts", "substations", "simulation")
CONTRACT_ROOMS = ("data_contracts", "substations")
FEATURE_ROOMS = ("data_contracts", "features")
MARK = "campaign.json"

Progress = Callable[[float], None]

_log = get_logger("flows")


def boundary_step(job: Job, described: dict[str, Substation]) -> Step:
    """Step that solves the transmission grid around all substations of the profile."""
    return Step(
        f"boundary.{job.profile.name}",
        _campaign(job),
        {name: substation.digest for name, substation in described.items()},
        SIMULATION_ROOMS,
    )


def simulate_step(job: Job, name: str, grid: StepRecord) -> Step:
    """Step that simulates the substation `name`."""
    return Step(
        f"simulate.{job.profile.dataset(name)}",
        _campaign(job),
        {"boundary": grid.digest, "substation": substations.read(name).digest},
        SIMULATION_ROOMS,
    )


def contract_step(job: Job, name: str, simulated: StepRecord) -> Step:
    """Step that enforces the contracts on what was simulated."""
    return Step(
        f"contract.{job.profile.dataset(name)}",
        {"reject_share": job.settings.reject_share},
        {"simulated": simulated.key},
        CONTRACT_ROOMS,
    )


def features_step(job: Job, name: str, contracted: StepRecord) -> Step:
    """Step that computes the features of a dataset."""
    return Step(
        f"features.{job.profile.dataset(name)}",
        msgspec.to_builtins(job.profile.features),
        {"dataset": str(contracted.result["digest"]), "substation": substations.read(name).digest},
        FEATURE_ROOMS,
    )


def finished(job: Job) -> dict[str, StepRecord] | None:
    """Records of the stage `features` of every substation; None where any stage before it is not done."""
    grid = boundary_step(job, describe(job)).record(job.home)
    found = {}
    for name in job.profile.substations:
        record = grid
        for step in (simulate_step, contract_step, features_step):
            record = None if record is None else step(job, name, record).record(job.home)
        if record is None:
            return None
        found[name] = record
    return found


def describe(job: Job) -> dict[str, Substation]:
    """Descriptions of the profile's substations, by name.

    Raises:
        SubstationError: A description breaks a rule; the message names file, key and remedy.
        ConfigurationError: A substation is not known on this machine.
    """
    return {name: substations.read(name) for name in job.profile.substations}


class Simulator:
    """Simulates the grid, then one substation after the other; worker processes start when first needed.

    A context manager. Parts that a killed run finished are kept.
    """

    def __init__(self, job: Job, runner: Literal["processes", "dask"] = "processes") -> None:
        self._job = job
        self._runner = runner
        self._open = ExitStack()
        self._workers: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def boundary(self) -> StepRecord:
        """Check every substation's circuit, and solve and dispatch the transmission grid around them.

        Raises:
            SubstationError: A description or a circuit breaks a rule.
            SimulationError: An hour of the grid has no solution.
        """
        job = self._job
        described = describe(job)
        folder = _grid(job)

        def work(_key: str) -> Work:
            from simulation.grid import solve_grid
            from simulation.tables.dispatch import write_dispatch
            from simulation.tables.standing import write_boundary

            for substation in described.values():
                substations.check(substation)
            solved = solve_grid(job.profile, list(described.values()), self._pool().solve_blocks)
            for name, rows in solved.boundary.items():
                write_boundary(folder / f"{name}.parquet", name, rows)
            shared = _grid_tables(job)
            write_dispatch(shared["dispatch"], solved.dispatch)
            congested = sum(hour.lossless.congested for hour in solved.dispatch)
            return Work(
                outputs=(*(folder / f"{name}.parquet" for name in solved.boundary), *shared.values()),
                result={"hours": job.profile.simulation.grid_hours, "congested": congested},
            )

        return boundary_step(job, described).run(job.home, work)

    def simulate(self, name: str, grid: StepRecord, progress: Progress | None = None) -> StepRecord:
        """Simulate the substation `name` into the staging folder.

        Args:
            name: Name of the substation.
            grid: Record of the stage `boundary`.
            progress: Called with the share that is done, 0 … 1.

        Raises:
            SimulationError: The campaign cannot be simulated.
            WorkerLostError: A part lost one worker process after the other.
        """
        job, step = self._job, simulate_step(self._job, name, grid)
        _claim(job, name, step)

        def work(_key: str) -> Work:
            from simulation.campaign import simulate_substation
            from simulation.tables.standing import read_boundary

            hours = {name: read_boundary(_grid(job) / f"{name}.parquet")}

            def told(done: int, total: int, _result: object) -> None:
                if 4 * done // total > 4 * (done - 1) // total:
                    _log.info("%s: %d of %d parts", step.name, done, total)
                if progress is not None:
                    progress(done / total)

            summary = simulate_substation(
                substations.read(name),
                job.profile,
                hours,
                job.home.staging,
                workers=self._pool(),
                grid_tables=_grid_tables(job),
                progress=told,
            )
            files = [file.relative_to(summary.folder).as_posix() for file in summary.files]
            return Work(result={"files": files, "parts": summary.parts})

        return step.run(job.home, work)

    def _pool(self) -> Any:
        from simulation.pool import Workers

        if self._workers is None:
            self._workers = self._open.enter_context(Workers(self._job.settings.workers, self._runner))
        return self._workers


def contract(job: Job, name: str, simulated: StepRecord) -> StepRecord:
    """Move what keeps its contract into the dataset, quarantine the rest, and write manifest and report.

    Raises:
        ContractError: More rows of a table are rejected than allowed, or an accepted one breaks its contract.
    """
    dataset, substation = job.profile.dataset(name), substations.read(name)

    def work(_key: str) -> Work:
        from data_contracts.enforcement import enforce_dataset
        from data_contracts.facts import SubstationFacts
        from data_contracts.report import write_report
        from data_contracts.validation import validate_dataset

        facts = SubstationFacts.of(substation)
        enforced = enforce_dataset(job.home, dataset, facts, reject_share=job.settings.reject_share)
        made = Dataset.write_manifest(
            job.dataset(name),
            substation=name,
            profile=job.profile.name,
            seed=job.profile.seed,
            circuit_digest=substation.digest,
        )
        docs = job.home.reports / "data_docs" / dataset
        validations = validate_dataset(made, facts, docs)
        report = write_report(job.home, enforced, validations)
        broken = [validation.table for validation in validations if not validation.success]
        if broken:
            raise ContractError(
                f"dataset {dataset}: accepted rows of {', '.join(broken)} break their contract",
                f"see {docs / 'index.html'}",
            )
        parts = [file for table in made.tables for file in made.files(table)]
        written = (made.path / MANIFEST, job.home.reports / "contracts" / f"{dataset}.json")
        return Work(outputs=(*parts, *written), result={"digest": made.digest, "report": report})

    return contract_step(job, name, simulated).run(job.home, work)


def features(job: Job, name: str, contracted: StepRecord) -> StepRecord:
    """Compute the feature catalogue over every window of the dataset's readings."""

    def work(_key: str) -> Work:
        import pyarrow.parquet as pq

        from features.table import write_features

        nominals = _nominals(name)
        dataset = Dataset.open(job.dataset(name))
        folder = dataset.path / "features"
        windows, written = 0, []
        captures = dataset.files("waveforms") if "waveforms" in dataset.tables else ()
        captured = {file.name: file for file in captures}
        for file in dataset.files("readings"):
            readings = pq.read_table(file, partitioning=None)
            beside = captured.get(file.name)
            waveforms = None if beside is None else pq.read_table(beside, partitioning=None)
            target = folder / file.name
            stride_s = job.profile.features.stride_s
            windows += write_features(target, readings, nominals, stride_s, waveforms)
            written.append(target)
        for file in set(folder.glob("*.parquet")) - set(written):
            file.unlink()
        return Work(outputs=tuple(written), result={"windows": windows})

    return features_step(job, name, contracted).run(job.home, work)


def _campaign(job: Job) -> dict[str, Any]:
    return {"seed": job.profile.seed, "simulation": msgspec.to_builtins(job.profile.simulation)}


def _grid(job: Job) -> Path:
    return job.home.staging / f"{job.profile.name}.grid"


def _grid_tables(job: Job) -> dict[str, Path]:
    """Files of the tables about the whole grid, which every dataset gets."""
    return {"dispatch": _grid(job) / "tables" / "dispatch.parquet"}


def _nominals(name: str) -> dict[str, Any]:
    """Nominal values of a substation's points, the same that the service uses."""
    from serving.sites import Sites

    return {site.point: site.nominals for site in Sites.read([name])}


def _claim(job: Job, name: str, step: Step) -> None:
    """Make the dataset's folders belong to this campaign: what another one left is removed.

    The campaign's record is forgotten where a file that it made is in none of staging, data and quarantine,
    so that it is simulated again.
    """
    dataset, key, record_path = job.profile.dataset(name), step.key, step.record_path(job.home)
    data, quarantine = job.dataset(name), job.home.quarantine / dataset
    mark = data / MARK
    if not mark.exists() or read_json(mark) != {"key": key}:
        for folder in (data, quarantine):
            shutil.rmtree(folder, ignore_errors=True)
        record_path.unlink(missing_ok=True)
        write_json_atomic(mark, {"key": key})
        return
    record = step.record(job.home)
    places = (data, job.home.staging / dataset, quarantine)
    made = [] if record is None else record.result["files"]
    gone = [file for file in made if not any((place / file).exists() for place in places)]
    if gone:
        _log.warning("%s: %s is gone: the substation is simulated again", dataset, gone[0])
        record_path.unlink()
