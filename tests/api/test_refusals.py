"""Every cause that a checkpoint is refused for has its problem."""

from probe_sandwich.api.refusals import STATUS_OF_CHECKPOINT_ERRORS
from probe_sandwich.subjects.checkpoint import CheckpointError


def test_every_checkpoint_error_has_a_status() -> None:
    from_upload = {error for error in CheckpointError.__subclasses__() if error.__module__.endswith("checkpoint")}
    assert from_upload == set(STATUS_OF_CHECKPOINT_ERRORS)
