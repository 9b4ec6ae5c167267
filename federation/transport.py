"""How messages get to sites and back. A federation is the same whatever carries it."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Protocol, Self

from federation.entry import run_site
from federation.errors import LostSitesError
from federation.spec import SiteSpec
from federation.wire import DEFAULT_CAP
from switchyard.log import get_logger

_log = get_logger("federation.transport")
ROUND_TIMEOUT_S = 900.0
GRACE_S = 5.0


class Transport(Protocol):
    """Carries bytes between the control centre and named sites."""

    def exchange(self, messages: Mapping[str, bytes]) -> dict[str, bytes]:
        """Send each site its message and return each one's answer.

        Raises:
            LostSitesError: Some sites did not answer; it holds what the others did.
        """


class SiteProcesses:
    """One spawned process per site on this machine, tied to the life of this one. A context manager.

    Nothing but wire bytes passes the pipes. Each process has a folder for temporary files that is gone when
    the processes are.
    """

    def __init__(self, specs: Sequence[SiteSpec], timeout_s: float = ROUND_TIMEOUT_S) -> None:
        self._specs = specs
        self._timeout_s = timeout_s
        self._pipes: dict[str, Connection] = {}
        self._processes: dict[str, BaseProcess] = {}
        self._lost: dict[str, str] = {}
        self._scratch = ExitStack()

    def __enter__(self) -> Self:
        context = multiprocessing.get_context("spawn")
        try:
            for spec in self._specs:
                scratch = Path(self._scratch.enter_context(TemporaryDirectory(prefix="switchyard-site-")))
                told = replace(spec, confinement=replace(spec.confinement, scratch=scratch))
                ours, theirs = context.Pipe()
                process = context.Process(
                    target=run_site, args=(theirs, told), name=f"site {spec.name}", daemon=True
                )
                process.start()
                theirs.close()
                self._pipes[spec.name], self._processes[spec.name] = ours, process
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def exchange(self, messages: Mapping[str, bytes]) -> dict[str, bytes]:
        """Send each site its message and return each one's answer.

        A site that is lost stays lost: its process is ended and it is not asked again.

        Raises:
            LostSitesError: A site's process ended, sent more than the cap, or did not answer in time. All
                others have answered by then.
        """
        for site in sorted(messages.keys() - self._lost.keys()):
            try:
                self._pipes[site].send_bytes(messages[site])
            except OSError:
                self._lose(site, "was lost", GRACE_S)
        waiting = {self._pipes[site]: site for site in messages if site not in self._lost}
        answers: dict[str, bytes] = {}
        deadline = time.monotonic() + self._timeout_s
        while waiting:
            ready = wait(list(waiting), max(deadline - time.monotonic(), 0.0))
            if not ready:
                for site in waiting.values():
                    # What it would still answer belongs to a round that is over.
                    self._lose(site, f"did not answer within {self._timeout_s:g} s", 0.0)
                break
            for pipe in ready:
                if not isinstance(pipe, Connection):
                    continue
                site = waiting.pop(pipe)
                try:
                    answers[site] = pipe.recv_bytes(2 * DEFAULT_CAP)
                except (EOFError, OSError):
                    self._lose(site, "was lost", GRACE_S)
        lost = {site: self._lost[site] for site in sorted(messages) if site in self._lost}
        if lost:
            raise LostSitesError(lost, answers)
        return answers

    @property
    def lost(self) -> Mapping[str, str]:
        """What became of each site that is gone."""
        return dict(self._lost)

    def stop(self) -> None:
        """End all site processes; safe to call twice."""
        for pipe in self._pipes.values():
            pipe.close()
        for site, process in self._processes.items():
            process.join(GRACE_S)
            if process.is_alive():
                _log.warning("site %s does not end, killing it", site)
                process.kill()
                process.join()
            process.close()
        self._pipes.clear()
        self._processes.clear()
        self._scratch.close()

    def pid(self, site: str) -> int | None:
        """Process id of a site."""
        return self._processes[site].pid

    def _lose(self, site: str, what: str, grace_s: float) -> None:
        """Give a site up; one that is ending by itself has `grace_s` to say by its exit code why."""
        process = self._processes[site]
        self._pipes[site].close()
        process.join(grace_s)
        if process.is_alive():
            process.kill()
            process.join()
        self._lost[site] = f"site {site} {what} (exit code {process.exitcode})"
        _log.warning("%s", self._lost[site])
