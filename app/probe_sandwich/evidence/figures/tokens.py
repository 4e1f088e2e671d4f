"""Tokens that an answer runs through the subject, by method."""

from probe_sandwich.evidence.experiment.agreement import FORMULAS, PLACEMENTS
from probe_sandwich.evidence.experiment.methods import METHODS, MNTD, PROBEGEN, MethodKind, Reads
from probe_sandwich.evidence.experiment.rivals import PROBES
from probe_sandwich.options import DRAWS
from probe_sandwich.sandwich.config import SandwichConfig


def sandwich_tokens(config: SandwichConfig, members: int, draws: int) -> int:
    """Tokens that one diagnosis runs through the subject."""
    return members * draws * config.probes * (1 + len(config.placements)) * (1 + config.probe_length)


def tokens_of_methods(
    config: SandwichConfig, train_max_length: int, label_formulas: int, members: int
) -> dict[str, int]:
    """Tokens that one answer of each method runs through the subject; of the sandwich and its arms one member's, as out
    of fold. `label_formulas`: what an in-distribution accuracy is measured on; `members`: of the whole ensemble."""
    usual = config.model_copy(update={"placements": ()})
    longer = usual.model_copy(update={"probe_length": 2 * config.probe_length})
    counts = {
        Reads.NOTHING: 0,
        Reads.ONE_MEMBER: sandwich_tokens(config, 1, DRAWS),
        Reads.ONE_MEMBER_AT_USUAL_PLACES: sandwich_tokens(usual, 1, DRAWS),
        Reads.ONE_DRAW: sandwich_tokens(config, 1, 1),
        Reads.WHOLE_ENSEMBLE: sandwich_tokens(config, members, DRAWS),
        Reads.LONGER_PROBES: sandwich_tokens(longer, 1, DRAWS),
        Reads.UNLABELLED_FORMULAS: FORMULAS * (1 + len(PLACEMENTS)) * (1 + train_max_length),
        Reads.IN_DISTRIBUTION_TEST: round(label_formulas * (1 + (1 + train_max_length) / 2)),
        Reads.PROBEGEN: PROBES[PROBEGEN] * (1 + train_max_length),
        Reads.MNTD: PROBES[MNTD] * (1 + train_max_length),
    }
    return {name: counts[method.reads] for name, method in METHODS.items() if method.kind is not MethodKind.SLICE}
