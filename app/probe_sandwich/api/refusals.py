"""What is wrong with a checkpoint, as a problem: where a checkpoint is read, that is in the worker."""

from probe_sandwich.api.problems import Problem
from probe_sandwich.subjects import checkpoint as checkpoints
from probe_sandwich.subjects.checkpoint import CheckpointError

STATUS_OF_CHECKPOINT_ERRORS: dict[type[CheckpointError], int] = {
    checkpoints.EmptyFile: 400,
    checkpoints.MalformedFile: 400,
    checkpoints.HeaderTooLarge: 400,
    checkpoints.NotSafetensors: 415,
    checkpoints.TooManyParameters: 413,
    checkpoints.MissingConfig: 422,
    checkpoints.InvalidConfig: 422,
    checkpoints.MissingTensor: 422,
    checkpoints.UnexpectedTensor: 422,
    checkpoints.WrongShape: 422,
    checkpoints.WrongType: 422,
    checkpoints.NonFiniteWeights: 422,
    checkpoints.MissingSymbol: 422,
    checkpoints.UnreadableFile: 400,
    checkpoints.BadBundle: 400,
    checkpoints.UnrunnableModel: 422,
    checkpoints.UnsupportedArchitecture: 422,
}


def problem_of(error: CheckpointError) -> Problem:
    """The problem that names what is wrong with a checkpoint: its type is the error's class name."""
    name = type(error).__name__
    slug = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")
    return Problem(slug, STATUS_OF_CHECKPOINT_ERRORS[type(error)], str(error))
