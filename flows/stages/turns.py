"""Whose turn it is in which training process: the longest first, and none idle while one can be taught."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Condition

from flows.job import Job
from flows.stages.lessons import Lesson
from switchyard.steps import newest_records

USUAL_S = {
    "phase_imbalance": 22.0,
    "voltage_anomaly": 52.0,
    "harmonic_analysis": 20.0,
    "frequency_stability": 74.0,
    "equipment_failure": 27.0,
    "overload_risk": 17.0,
    "power_quality_index": 14.0,
    "voltage_sag": 59.0,
    "load_forecast": 60.0,
    "energy_loss": 1.0,
    "demand_response": 2.0,
    "reactive_power": 23.0,
    "grid_stability": 80.0,
    "optimal_dispatch": 18.0,
}
"""Seconds of the models in the quick profile; only their order matters.

`grid_stability` takes 28 there, and in the full profile longer than any other: it must not be the last.
"""

UNKNOWN_S = 30.0


def expected(job: Job, lessons: Sequence[Lesson]) -> dict[str, float]:
    """Seconds that each lesson will take, by its label: as it took in this home last, or as usual."""
    start = f"train.{job.profile.name}."
    took = {
        record.step.removeprefix(start): sum(map(float, record.result.get("seconds", {}).values()))
        for record in newest_records(job.home)
        if record.step.startswith(start)
    }
    return {one.label: took.get(one.label) or USUAL_S.get(one.model, UNKNOWN_S) for one in lessons}


@dataclass
class Turns:
    """Gives each free process the longest lesson that waits.

    The first process takes networks before other models, the rest take others before networks: so only one
    process holds the networks' library as long as both have something else to do. A challenger waits until
    the model that it challenges is registered.

    Attributes:
        waiting: Lessons without a process, the longest first.
        networks: Labels of the lessons that need the networks' library.
        processes: Number of processes.
    """

    waiting: list[Lesson]
    networks: Collection[str]
    processes: int
    _at: dict[str, int] = field(default_factory=dict)
    _freed: Condition = field(default_factory=Condition)

    @classmethod
    def of(cls, job: Job, lessons: Sequence[Lesson], processes: int) -> Turns:
        """The turns of some lessons."""
        from models.catalogue import definition

        seconds = expected(job, lessons)
        ordered = sorted(lessons, key=lambda one: -seconds[one.label])
        networks = {one.label for one in lessons if definition(one.model, one.algorithm).library}
        return cls(ordered, networks, processes)

    def __iter__(self) -> Iterator[Lesson]:
        """Each lesson as soon as a process is free for it."""
        while self.waiting:
            with self._freed:
                self._freed.wait_for(lambda: len(self._at) < self.processes and self._ready())
                busy = self._at.values()
                process = next(one for one in range(self.processes) if one not in busy)
                lesson = self._longest(process)
                self.waiting.remove(lesson)
                self._at[lesson.label] = process
            yield lesson

    def process(self, lesson: Lesson) -> int:
        """The process that a lesson was given."""
        return self._at[lesson.label]

    def end(self, lesson: Lesson) -> None:
        """Free the process of a lesson that has ended."""
        with self._freed:
            del self._at[lesson.label]
            self._freed.notify()

    def _ready(self) -> list[Lesson]:
        """Lessons that wait for nothing but a process; a model's first algorithm is labelled by its name."""
        under_way = {one.label for one in self.waiting}.union(self._at)
        return [one for one in self.waiting if not one.algorithm or one.registered not in under_way]

    def _longest(self, process: int) -> Lesson:
        wanted, ready = process == 0, self._ready()
        preferred = (one for one in ready if (one.label in self.networks) is wanted)
        return next(preferred, ready[0])
