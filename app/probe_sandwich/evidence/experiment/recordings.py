"""Responses of all subjects to probes of one kind, recorded once for every arm that reads them."""

from collections.abc import Collection, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from probe_sandwich.evidence.experiment.probes import ProbeKind, ProbeSet, probe_set
from probe_sandwich.evidence.experiment.results import Done, load_result, run_once, save_result
from probe_sandwich.evidence.experiment.zoo import Zoo
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.sandwich import Sandwich
from probe_sandwich.sandwich.training.recorded import Recording, join_recordings, record
from probe_sandwich.zoo.cohorts import among, load_cohorts

PARTS = 8
"""Jobs that the recording of one kind is cut into."""


@dataclass(frozen=True)
class Recordings:
    """Responses to the probes that readouts are fitted on, and to those that they are judged on; `config` is that of
    the probes."""

    config: SandwichConfig
    fitting: Recording
    judging: Recording

    def usual_places(self) -> "Recordings":
        """The usual placement alone."""
        config = self.config.model_copy(update={"placements": ()})
        return Recordings(config, self.fitting.usual_places(), self.judging.usual_places())

    def hiding_noise(self) -> "Recordings":
        """The same for a readout that does not see the noise."""
        return replace(self, config=self.config.model_copy(update={"readout_sees_noise": False}))


@dataclass(frozen=True)
class RecordPart:
    """Records the responses of every eighth subject."""

    kind: ProbeKind
    part: int
    probes: ProbeSet
    zoo: Zoo
    device: torch.device

    @property
    def key(self) -> str:
        return f"recording-{self.kind}-{self.part}"

    def run(self) -> Recordings:
        """Run the subjects."""
        cohorts = load_cohorts(self.zoo.folder, self.zoo.rows, self.device)
        own = among(cohorts, set(range(self.part, len(self.zoo.rows), PARTS)))
        sandwich = Sandwich(self.probes.config).to(self.device)
        fitting, judging = (
            record(sandwich, own, probes.symbols.to(self.device), probes.noise)
            for probes in (self.probes.fitting, self.probes.judging)
        )
        return Recordings(self.probes.config, fitting, judging)


def record_all(
    kinds: Collection[ProbeKind],
    zoo: Zoo,
    config: SandwichConfig,
    training: SandwichTraining,
    pool: Executor,
    device: torch.device,
    work: Path,
    done: Done,
) -> dict[ProbeKind, Path]:
    """Files with the `Recordings` of all subjects, by kind of probe. `done` is called after each part."""
    parts = {}
    for kind in kinds:
        probes = probe_set(kind, config, training, zoo.rows[0].config.task)
        jobs = [RecordPart(kind, part, probes, zoo, device) for part in range(PARTS)]
        parts[kind] = [pool.submit(run_once, job, work) for job in jobs]
    for future in (future for futures in parts.values() for future in futures):
        future.result()
        done()
    return {
        kind: _join(work / f"recording-{kind}.pt", [future.result() for future in futures])
        for kind, futures in parts.items()
    }


def _join(path: Path, parts: Sequence[Path]) -> Path:
    """One file with the responses of all subjects, in their order."""
    found = [load_result(part, Recordings) for part in parts]
    fitting, judging = (join_recordings([getattr(one, name) for one in found]) for name in ("fitting", "judging"))
    save_result(path, Recordings(found[0].config, fitting, judging))
    return path
