"""A Ray cluster (extra `ray`) whose nodes find the files and the meta-classifiers at the same places."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from probe_sandwich.batch.answering import BatchFailed, answer_stack
from probe_sandwich.batch.question import Answered, Question
from probe_sandwich.cluster import Cluster, WorkersLost


@dataclass(frozen=True)
class AnsweringRayCluster:
    """Answers on a cluster."""

    cluster: Cluster

    def __call__(self, stacks: Sequence[Sequence[Path]], question: Question) -> Iterator[list[Answered]]:
        given = {str(path.absolute()): str(path) for stack in stacks for path in stack}
        jobs = [[path.absolute() for path in stack] for stack in stacks]
        try:
            for answers in self.cluster.results(_answer_on_one_thread, jobs, question):
                yield [answer.model_copy(update={"file": given[answer.file]}) for answer in answers]
        except WorkersLost as error:
            raise BatchFailed(str(error)) from error


def _answer_on_one_thread(paths: Sequence[Path], question: Question) -> list[Answered]:
    torch.set_num_threads(1)
    return answer_stack(paths, question)
