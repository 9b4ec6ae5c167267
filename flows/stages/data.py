"""Stages that make data: grid boundary, simulation, contracts, features."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import msgspec

import substations
from data_contracts.dataset import MANIFEST, Dataset
from data_contracts.errors import ContractError
from flows.job import Job
from substations.description import Substation
from switchyard.files import read_json, write_json_atomic
from switchyard.log import get_logger
from switchyard.steps import StepRecord, Work, read_record, run_step, step_key

SIMULATION_ROOMS = ("data_contracts", "substations", "simulation")
CONTRACT_ROOMS = ("data_contracts", "substations")
FEATURE_ROOMS = ("data_contracts", "features")
MARK = "campaign.json"

Progress = Callable[[float], None]

_log = get_logger("flows")


def describe(job: Job) -> dict[str, Substation]:
    """Descriptions of the profile's substations, by name.

    Raises:
        SubstationError: A description breaks a rule; the message names file, key and remedy.
        ConfigurationError: A substation is not known on this machine.
    """
    return {name: substations.read(name) for name in job.profile.substations}


def boundary(job: Job) -> StepRecord:
    """Check every substation's circuit, and solve the transmission grid around them, hour by hour."""
    described = describe(job)
    folder = job.home.staging / f"{job.profile.name}.grid"

    def work(_key: str) -> Work:
        from simulation.grid import solve_boundary
        from simulation.tables.standing import write_boundary

        for substation in described.values():
            substations.check(substation)
        hours = solve_boundary(job.profile, list(described.values()))
        for name, rows in hours.items():
            write_boundary(folder / f"{name}.parquet", name, rows)
        congested = sum(hour.congested for hour in next(iter(hours.values())))
        return Work(
            outputs=tuple(folder / f"{name}.parquet" for name in hours),
            result={"hours": job.profile.simulation.grid_hours, "congested": congested},
        )

    return run_step(
        job.home,
        f"boundary.{job.profile.name}",
        parameters={"seed": job.profile.seed, "simulation": _simulation(job)},
        inputs={name: substation.digest for name, substation in described.items()},
        rooms=SIMULATION_ROOMS,
        work=work,
    )


class Simulator:
    """Simulates one substation after the other; its worker processes start when they are first needed.

    A context manager. Parts that a killed run finished are kept.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._open = ExitStack()
        self._workers: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def simulate(self, name: str, grid: StepRecord, progress: Progress | None = None) -> StepRecord:
        """Simulate the substation `name` into the staging folder.

        Args:
            name: Name of the substation.
            grid: Record of the stage `boundary`.
            progress: Called with the share that is done, 0 … 1.

        Raises:
            SimulationError: The campaign cannot be simulated.
            WorkerLostError: A worker process died.
        """
        job, substation = self._job, substations.read(name)
        step = f"simulate.{job.profile.dataset(name)}"
        parameters = {"seed": job.profile.seed, "simulation": _simulation(job)}
        inputs = {"boundary": grid.digest, "substation": substation.digest}
        _claim(job, name, step, step_key(step, parameters, inputs, SIMULATION_ROOMS))

        def work(_key: str) -> Work:
            from simulation.campaign import simulate_substation
            from simulation.tables.standing import read_boundary

            folder = job.home.staging / f"{job.profile.name}.grid"
            hours = {name: read_boundary(folder / f"{name}.parquet")}

            def told(done: int, total: int, _result: object) -> None:
                if progress is not None and done:
                    progress(done / total)

            summary = simulate_substation(
                substation, job.profile, hours, job.home.staging, self._pool(), told
            )
            files = [file.relative_to(summary.folder).as_posix() for file in summary.files]
            return Work(result={"files": files, "parts": summary.parts, "statuses": summary.statuses})

        return run_step(
            job.home, step, parameters=parameters, inputs=inputs, rooms=SIMULATION_ROOMS, work=work
        )

    def _pool(self) -> Any:
        from simulation.pool import Workers

        if self._workers is None:
            self._workers = self._open.enter_context(Workers(self._job.settings.workers))
        return self._workers


def _simulation(job: Job) -> Any:
    return msgspec.to_builtins(job.profile.simulation)


def _claim(job: Job, name: str, step: str, key: str) -> None:
    """Make the dataset's folders belong to the campaign `key`: what another one left is removed.

    A record of this campaign is forgotten where files that it made are in none of staging, data and
    quarantine, so that they are simulated again.
    """
    dataset = job.profile.dataset(name)
    data, quarantine = job.dataset(name), job.home.quarantine / dataset
    record_path = job.home.state / step / f"{key}.json"
    mark = data / MARK
    if not mark.exists() or read_json(mark) != {"key": key}:
        for folder in (data, quarantine):
            shutil.rmtree(folder, ignore_errors=True)
        record_path.unlink(missing_ok=True)
        write_json_atomic(mark, {"key": key})
        return
    record = read_record(job.home, record_path)
    if record is None:
        return
    places = (data, job.home.staging / dataset, quarantine)
    gone = [file for file in record.result["files"] if not any((place / file).exists() for place in places)]
    if gone:
        _log.warning("%s: %s is gone: the substation is simulated again", dataset, gone[0])
        record_path.unlink()


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
        validations = validate_dataset(made, facts, job.home.reports / "data_docs" / dataset)
        report = write_report(job.home, enforced, validations)
        broken = [validation.table for validation in validations if not validation.success]
        if broken:
            raise ContractError(
                f"dataset {dataset}: accepted rows of {', '.join(broken)} break their contract",
                f"see {job.home.reports / 'data_docs' / dataset / 'index.html'}",
            )
        parts = [
            job.dataset(name) / table / part.file
            for table in made.tables
            for part in made.manifest.tables[table].parts
        ]
        written = (job.dataset(name) / MANIFEST, job.home.reports / "contracts" / f"{dataset}.json")
        return Work(outputs=(*parts, *written), result={"digest": made.digest, "report": report})

    return run_step(
        job.home,
        f"contract.{dataset}",
        parameters={"reject_share": job.settings.reject_share},
        inputs={"simulated": simulated.key},
        rooms=CONTRACT_ROOMS,
        work=work,
    )


def features(job: Job, name: str, contracted: StepRecord) -> StepRecord:
    """Compute the feature catalogue over every window of the dataset's readings."""

    def work(_key: str) -> Work:
        import pyarrow.parquet as pq

        from features.table import write_features

        nominals = _nominals(name)
        dataset = Dataset.open(job.dataset(name))
        folder = dataset.path / "features"
        rows, outputs = 0, []
        for file in dataset.files("readings"):
            target = folder / file.name
            readings = pq.read_table(file, partitioning=None)
            rows += write_features(target, readings, nominals, job.profile.features.stride_s)
            outputs.append(target)
        _remove_others(folder, outputs)
        return Work(outputs=tuple(outputs), result={"windows": rows})

    return run_step(
        job.home,
        f"features.{job.profile.dataset(name)}",
        parameters=msgspec.to_builtins(job.profile.features),
        inputs={"dataset": str(contracted.result["digest"]), "substation": substations.read(name).digest},
        rooms=FEATURE_ROOMS,
        work=work,
    )


def _nominals(name: str) -> dict[str, Any]:
    """Nominal values of a substation's points, the same that the service uses."""
    from serving.sites import Sites

    return {site.point: site.nominals for site in Sites.read([name])}


def _remove_others(folder: Path, kept: list[Path]) -> None:
    for file in set(folder.glob("*.parquet")) - set(kept):
        file.unlink()
