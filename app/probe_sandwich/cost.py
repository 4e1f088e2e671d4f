"""What a diagnosis will cost, estimated before it is run: floating-point operations of a subject under its options."""

from dataclasses import dataclass

from probe_sandwich.length_test import buckets
from probe_sandwich.options import Options
from probe_sandwich.sandwich.meta_classifier import MetaClassifier
from probe_sandwich.subjects.stacks import AnyCheckpoint
from probe_sandwich.tasks.given import GivenInputs
from probe_sandwich.tasks.task import OwnTask

MAX_JOB_FLOP = {"cpu": 4e12, "cuda": 4e14}
"""What a job may cost where no setting says otherwise, by kind of device: about what fits its deadline."""
_FLOP_A_SAMPLED_SYMBOL, _FLOP_A_LENGTH = 2e5, 4e6
"""What drawing a formula and starting a new length cost, in operations that take as long; both per symbol of length."""


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

    @property
    def total(self) -> float:
        return self.sandwich + self.direct_test

    def remedy(self, left: float) -> str:
        """Which option to lower."""
        if self.direct_test >= self.sandwich:
            within = "" if self.sandwich >= left else ", or leave the direct test out (direct_test=false)"
            return f"{'give fewer labelled inputs' if self.labelled else 'lower formulas_per_length'}{within}"
        return "lower noise_draws, or send fewer or smaller checkpoints"


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
        draws = len(meta.members) * options.noise_draws + 1
        rows = draws * settings.probes * (1 + len(settings.placements))
        sandwich = float(rows * size.row_flop(1 + config.train_max_length))
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
            total += longest * (inputs * _FLOP_A_SAMPLED_SYMBOL + lengths * _FLOP_A_LENGTH)
        total += inputs * size.row_flop(1 + longest)
    return total
