"""What a diagnosis will cost, estimated before it is run: floating-point operations of a subject under its options."""

from dataclasses import dataclass

from probe_sandwich.length_test import buckets
from probe_sandwich.options import Options
from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.sandwich.inputs import CANDIDATES
from probe_sandwich.sandwich.meta_classifier import MetaClassifier
from probe_sandwich.subjects.config import Placing
from probe_sandwich.subjects.size import Size
from probe_sandwich.subjects.stacks import AnyCheckpoint
from probe_sandwich.subjects.subject import SubjectFacts
from probe_sandwich.tasks.given import GivenInputs
from probe_sandwich.tasks.task import OwnTask

MAX_JOB_FLOP = {"cpu": 4e12, "cuda": 4e14}
"""What a job may cost where no setting says otherwise, by kind of device: about what fits its deadline."""
_FLOP_A_BYTE = 10
"""What a byte of a layer's vectors and scores costs beside the products that made it, in operations that take as long:
at the sizes of a zoo's subjects three quarters of the time."""
_FLOP_A_SAMPLED_SYMBOL, _FLOP_A_PAIR_OF_SYMBOLS, _FLOP_A_LENGTH = 2e5, 8e2, 4e6
"""What drawing costs, likewise: a symbol of an input, a pair of its symbols, and, per symbol, starting a new length."""

_FLOP_A_GIVEN_BYTE = 1e4
"""What reading a byte of given inputs costs, likewise."""


class TooCostly(ValueError):
    """A diagnosis would take longer than a job may."""

    def __init__(self, cost: "Cost", left: float, bound: float) -> None:
        share = "" if left == bound else f", of which the files before it leave {left:.1e}"
        super().__init__(
            f"this would take about {cost.total:.1e} floating-point operations, and a job may take {bound:.1e}{share}; "
            + cost.remedy(left)
        )


@dataclass(frozen=True)
class Cost:
    """Floating-point operations of a diagnosis, by stage."""

    sandwich: float
    direct_test: float
    labelled: bool = False
    """Whether the direct test runs on inputs that were given."""
    reading: float = 0.0
    """Of given inputs."""

    @property
    def total(self) -> float:
        return self.sandwich + self.direct_test + self.reading

    def remedy(self, left: float) -> str:
        """Which option to lower."""
        if self.reading > self.sandwich + self.direct_test:
            return "give fewer inputs, or send checkpoints of other tasks and training lengths one by one"
        if self.direct_test >= self.sandwich:
            within = "" if self.sandwich >= left else ", or leave the direct test out (direct_test=false)"
            return f"{'give fewer labelled inputs' if self.labelled else 'lower formulas_per_length'}{within}"
        return "lower noise_draws, or send fewer or smaller checkpoints"


def reading_cost(size: int) -> Cost:
    """What reading given inputs of so many bytes will take."""
    return Cost(0.0, 0.0, reading=_FLOP_A_GIVEN_BYTE * size)


def estimate(
    checkpoint: AnyCheckpoint,
    meta: MetaClassifier | None,
    options: Options,
    drawn: bool = False,
    given: GivenInputs = GivenInputs(),
) -> Cost:
    """What `diagnose` will spend on a checkpoint. `drawn`: its formulas are there, for another of its stack.
    `given`: what came beside it; where labelled inputs did, none is drawn."""
    size, config = checkpoint.size, checkpoint.config
    sandwich = 0.0
    if meta is not None:
        settings = meta.card.sandwich
        candidates = min(len(set(given.unlabelled)), CANDIDATES) if given.unlabelled else CANDIDATES
        # A candidate that several draws select is asked once.
        rows = min(options.noise_draws * settings.probes, candidates) * settings.variants
        sandwich = rows * _row(size, 1 + _longest_row(config, settings)) + _candidates(config, given)
    labelled = given.labelled is not None
    return Cost(sandwich, _direct_test(checkpoint, options, drawn, given) if options.direct_test else 0.0, labelled)


def _direct_test(checkpoint: AnyCheckpoint, options: Options, drawn: bool, given: GivenInputs) -> float:
    size, config = checkpoint.size, checkpoint.config
    if given.labelled is None and isinstance(config.task, OwnTask):
        return 0.0
    total = 0.0
    for bucket in buckets(config.train_max_length):
        longest, lengths = bucket.max_length, bucket.max_length - bucket.min_length + 1
        if config.longest_formula is not None and longest > config.longest_formula:
            continue
        inputs = options.formulas_per_length
        if given.labelled is not None:
            inputs = int(bucket.of(given.labelled).sum())
        elif not drawn:
            total += _drawing(inputs, lengths, longest)
        total += inputs * _row(size, 1 + longest)
    return total


def _row(size: Size, length: int) -> float:
    """One sequence through the subject."""
    return size.row_flop(length) + _FLOP_A_BYTE * size.layers * size.row_bytes(length)


def _longest_row(config: SubjectFacts, settings: SandwichConfig) -> int:
    """Symbols of a probe's row: at most T, and where fillers put it in its place, those too."""
    reach = (
        max((one.reach for one in settings.placements), default=1.0) if config.placing is Placing.BY_FILLERS else 1.0
    )
    return round(reach * config.train_max_length)


def _candidates(config: SubjectFacts, given: GivenInputs) -> float:
    """Drawing what noise selects from, where that was not given."""
    if given.unlabelled or isinstance(config.task, OwnTask):
        return 0.0
    longest = config.train_max_length
    return _drawing(CANDIDATES, longest - longest // 2, longest)


def _drawing(inputs: int, lengths: int, longest: int) -> float:
    """Drawing labelled pairs of inputs of so many lengths."""
    symbols = inputs * longest
    started = min(lengths, inputs // 2) * longest
    return symbols * (_FLOP_A_SAMPLED_SYMBOL + longest * _FLOP_A_PAIR_OF_SYMBOLS) + started * _FLOP_A_LENGTH
