"""Datasets belong to one campaign: what another one left never mixes with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.job import Job
from flows.stages.data import _claim
from flows.stages.spec import Step
from switchyard.steps import Work

MINI = Path(__file__).parents[1] / "mini.yaml"


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job.of(str(MINI), str(tmp_path / "home"))


def campaign(seed: int) -> Step:
    return Step("simulate.mini.mumbai", {"seed": seed}, {}, ())


def simulate(job: Job, step: Step, files: dict[str, Path]) -> bool:
    """What the stage does around its work: claim the folders, write files; True where it was skipped."""

    def work(_key: str) -> Work:
        for name, place in files.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text("rows")
        return Work(result={"files": list(files)})

    _claim(job, "mumbai", step)
    return step.run(job.home, work).skipped


def test_claim__same_campaign_again__kept_and_skipped(job: Job) -> None:
    data, staged = job.dataset("mumbai"), job.home.staging / "mini.mumbai"
    files = {"readings/normal-00000.parquet": data, "readings/fault-00000.parquet": staged}
    assert not simulate(job, campaign(1), files)
    assert simulate(job, campaign(1), files)
    assert (data / "readings/normal-00000.parquet").exists()


def test_claim__another_campaign__data_and_quarantine_of_the_first_removed(job: Job) -> None:
    data, quarantine = job.dataset("mumbai"), job.home.quarantine / "mini.mumbai"
    simulate(job, campaign(1), {"readings/normal-00007.parquet": data, "load/load-00000.parquet": quarantine})
    assert not simulate(job, campaign(2), {"readings/normal-00000.parquet": data})
    assert not (data / "readings/normal-00007.parquet").exists()
    assert not quarantine.exists()


def test_claim__back_to_the_first_campaign__simulated_again_although_its_record_is_there(job: Job) -> None:
    files = {"readings/normal-00000.parquet": job.dataset("mumbai")}
    simulate(job, campaign(1), files)
    simulate(job, campaign(2), files)
    assert not simulate(job, campaign(1), files)


@pytest.mark.parametrize("place", ["data", "staging", "quarantine"])
def test_claim__file_in_any_of_its_places__counts_as_there(job: Job, place: str) -> None:
    folder = getattr(job.home, place) / "mini.mumbai"
    files = {"faults/fault-00000.parquet": folder}
    simulate(job, campaign(1), files)
    assert simulate(job, campaign(1), files)


def test_claim__file_gone_from_all_places__simulated_again(job: Job) -> None:
    files = {"faults/fault-00000.parquet": job.dataset("mumbai")}
    simulate(job, campaign(1), files)
    (job.dataset("mumbai") / "faults/fault-00000.parquet").unlink()
    assert not simulate(job, campaign(1), files)
