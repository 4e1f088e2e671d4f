"""What an answer is: the sandwich's verdict beside the direct length test, and what each of them says.

Only data: whoever reads answers, such as a client or the service's own process, loads no PyTorch.
"""

from collections.abc import Callable
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

Progress = Callable[[str, str], None]
"""Called with the name of each stage of a diagnosis as it starts, and where within it."""


class Definition(BaseModel):
    """What makes a subject a generalizer, and how it is measured; part of every card."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    convergence_cut: float = Field(
        default=0.95, description="least accuracy on (0, T], that is from the shortest minimal pairs on"
    )
    generalizer_cut: float = Field(default=0.90, description="least accuracy on (T, 2T]")
    formulas_per_bucket: int = Field(default=1000, ge=2, le=20_000)
    seed: int = Field(default=2026, ge=0, lt=2**32)


class BucketResult(BaseModel):
    """Accuracy in one bucket, with its 95 % Wilson interval; no accuracy where nothing could be run."""

    min_length: int = Field(
        description="symbols of the shortest formula that was run: the first bucket begins where the task's fresh "
        "minimal pairs do, at 7 symbols for the built-in tasks; where nothing was run, of the bucket"
    )
    max_length: int
    relative: str = Field(description="the bucket in multiples of T")
    formulas: int
    correct: int
    accuracy: float | None
    accuracy_low: float | None
    accuracy_high: float | None
    unreachable: str | None = Field(default=None, description="why the bucket could not be run")


class LengthTestResult(BaseModel):
    """Outcome of the direct length test for one subject."""

    definition: Definition
    buckets: list[BucketResult]
    in_distribution_accuracy: float
    long_accuracy: float | None = Field(description="accuracy on (T, 2T]; None where it could not be run")
    long_accuracy_low: float | None
    long_accuracy_high: float | None
    converged: bool
    generalizer: bool
    reach: float = Field(description="largest multiple of T up to which accuracy stays at the cut; 0 for none")

    @property
    def certain(self) -> bool:
        """Whether the interval of the long accuracy lies clear of the cut."""
        cut = self.definition.generalizer_cut
        low, high = self.long_accuracy_low, self.long_accuracy_high
        return low is not None and high is not None and not low <= cut <= high


class Verdict(StrEnum):
    """The sandwich's answer."""

    GENERALIZER = "generalizer"
    NOT_GENERALIZER = "not_generalizer"
    ABSTAIN = "abstain"


class Doubt(StrEnum):
    """Why there is no verdict."""

    NO_META_CLASSIFIER = "no_meta_classifier"
    NOT_FINITE = "not_finite"
    NOT_CONVERGED = "not_converged"
    NOT_PLACED = "not_placed"
    BARE_PROBES = "bare_probes"
    TOO_FEW_INPUTS = "too_few_inputs"
    ONE_ANSWER = "one_answer"
    UNTRUSTED_KIND = "untrusted_kind"
    UNLIKE_THE_ZOO = "unlike_the_zoo"
    MEMBERS_DISAGREE = "members_disagree"


class Agreement(StrEnum):
    """Whether sandwich and direct test say the same; undecided where one of them says nothing."""

    AGREE = "agree"
    DISAGREE = "disagree"
    UNDECIDED = "undecided"


class ProbeContent(StrEnum):
    """Where the content of the probes came from."""

    GIVEN = "given inputs"
    DRAWN = "drawn inputs"
    BARE = "bare alphabet"


class CheckpointSummary(BaseModel):
    """The uploaded subject."""

    sha256: str
    architecture: str
    parameters: int
    train_max_length: int
    task: str


class TrackRecord(BaseModel):
    """How good a meta-classifier was measured to be, in one row.

    Over the converged subjects of the zoo, each judged by a sandwich that saw none of its configuration; null where a
    figure is not defined, for example where all subjects have one label."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subjects: int
    positives: int = Field(description="how many of the subjects are generalizers")
    auc: float | None
    auc_low: float | None = Field(description="of a 95 % interval over configurations")
    auc_high: float | None
    within_configuration_auc: float | None = Field(
        description="share of pairs of one configuration, only one of them a generalizer, that are ordered rightly"
    )
    brier: float | None = None
    expected_calibration_error: float | None
    accuracy: float | None = Field(description="share of right verdicts at the threshold")


class VerdictRecord(BaseModel):
    """What verdicts on subjects of one kind were measured to be worth."""

    task: str | None = Field(description="of those subjects; null where they are of tasks left out of the training")
    subjects: int
    answered: float = Field(description="share of them that got a verdict")
    accuracy: float | None = Field(description="share of right ones among those verdicts; null where there are none")
    auc: float | None = Field(description="of all the subjects together; null where they have one label")
    least_confidence: float = Field(description="a verdict is given where P is at least so far from 0.5")


class MetaClassifierSummary(BaseModel):
    """The meta-classifier that answered, and how good its card says it is."""

    name: str
    version: int
    threshold: float
    metrics: TrackRecord | None = Field(description="null of one that was trained and never judged")
    record: VerdictRecord | None = Field(
        default=None,
        description="of the kind of subjects that this one is counted among: whether it gets a verdict rests on that; "
        "null where nothing was measured",
    )


class Timings(BaseModel):
    """Seconds by stage."""

    sandwich: float
    direct_test: float
    total: float


class Placed(BaseModel):
    """Where the symbols of a probe stand: at the usual places, or further out in one of the sandwich's ways."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str = Field(description="`usual`, `shifted`, `parted` or `spread`")
    reach: float = Field(description="where the last symbol may stand, in multiples of T")


class PlacedAnswer(BaseModel):
    """What a subject answers to a probe at one placement."""

    placed: Placed
    places: list[int] = Field(description="of the probe's symbols; at the usual places 1, 2, 3, …")
    answer: int = Field(description="the class that it answers")
    confidence: float = Field(description="its own probability of that class")


class ProbeReading(BaseModel):
    """A probe of the first noise draw and a subject's answers to it, those at the usual places first."""

    symbols: list[str]
    answers: list[PlacedAnswer]


class KeptCurve(BaseModel):
    """Over subjects, the share of answers kept: one number a placement each."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subjects: int
    mean: list[float]
    median: list[float]
    low: list[float] = Field(description="a quarter of the subjects keep less")
    high: list[float] = Field(description="a quarter of the subjects keep more")


class ZooCurves(BaseModel):
    """How many of their answers the zoo's converged subjects keep."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    generalizers: KeptCurve
    others: KeptCurve


class KeptAnswers(BaseModel):
    """How many of its answers a subject keeps when the same probes stand elsewhere: what the sandwich reads most."""

    placements: list[Placed] = Field(description="the usual places first")
    shares: list[float] = Field(
        description="share of the probes of the first noise draw to which the answer at that placement is the one at "
        "the usual places"
    )
    zoo: ZooCurves | None = Field(
        default=None, description="the same of the zoo's converged subjects; null where the card does not hold it"
    )
    zoo_task: str | None = Field(
        default=None,
        description="the task of those subjects: the subject's own, where the zoo has enough of it; null where they "
        "are of all of the zoo's tasks",
    )


class Diagnosis(BaseModel):
    """The whole answer about one subject."""

    checkpoint: CheckpointSummary
    generalizer_probability: float | None = Field(
        description="P(generalizer), where there is a verdict; null where the verdict is `abstain`"
    )
    probability_interval: tuple[float, float] | None = Field(
        description="where nine in ten further members of the ensemble, trained on other parts of the zoo and reading "
        "other noise, would put P. It says how far the members agree, not where the truth lies: all of them can be "
        "wrong together, the more so on a subject unlike the zoo's"
    )
    withheld_probability: float | None = Field(
        default=None,
        description="not an answer: the number that was computed where the verdict is `abstain`, given to those who "
        "study abstaining. The question does not apply to this subject, or the ensemble does not know; null where "
        "there is a verdict, and where the probes did not fit or could not be placed",
    )
    withheld_interval: tuple[float, float] | None = Field(
        default=None, description="of the number that is withheld, as `probability_interval`"
    )
    member_probabilities: list[float] | None = Field(
        default=None,
        description="what each member of the ensemble says, of which the number given or withheld is the mean; null "
        "where there is neither. Asked about the same task and T, all subjects are asked the same by a member, so that "
        "two of them can be compared member by member",
    )
    verdict: Verdict
    doubt: Doubt | None = Field(default=None, description="why the verdict is `abstain`, by name; null where it is not")
    reason: str
    direct_test: LengthTestResult | None
    agreement: Agreement
    probe_content: ProbeContent | None = Field(
        default=None,
        description="where the probes' content came from: selected by noise from inputs drawn of the built-in task, "
        "from the given unlabelled inputs of a task of one's own, or from random strings of the alphabet, by which no "
        "verdict is given; null where no probe was asked",
    )
    probes: list[ProbeReading] = Field(
        description="those whose answers move most with their places; none where it cannot be placed"
    )
    kept_answers: KeptAnswers | None = Field(
        default=None, description="null where no probe was asked, and where it cannot be placed"
    )
    meta_classifier: MetaClassifierSummary | None
    device: str
    timings_seconds: Timings


class ProblemDocument(BaseModel):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str


class BatchResult(BaseModel):
    """What came of one file of a batch."""

    file: str
    diagnosis: Diagnosis | None
    problem: ProblemDocument | None
    address: str | None = Field(
        default=None, description="where the diagnosis is kept for a while, relative to the service"
    )
