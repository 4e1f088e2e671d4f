"""Answers, figures and zoos as a person reads them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table

from probe_sandwich.cli.failures import console

if TYPE_CHECKING:
    from probe_sandwich.answer import Diagnosis, LengthTestResult, VerdictRecord
    from probe_sandwich.zoo.card import ZooCard
    from probe_sandwich.zoo.info import PartSummary, ZooSummary


_LEGEND = "T: longest training length; reach: up to where accuracy stays at the cut or above it"


def show_diagnosis(diagnosis: "Diagnosis") -> None:
    """Verdict and direct test, side by side; no probability where the question does not apply."""
    summary = diagnosis.checkpoint
    console.print(
        f"{summary.parameters:,} parameters, task {summary.task}, trained on up to T = {summary.train_max_length}"
    )
    abstains = diagnosis.verdict == "abstain"
    if diagnosis.generalizer_probability is not None and diagnosis.probability_interval and not abstains:
        low, high = diagnosis.probability_interval
        console.print(
            f"Probe sandwich: P(generalizer) = [bold]{diagnosis.generalizer_probability:.2f}[/bold]"
            f"  [{low:.2f}, {high:.2f}]"
        )
    console.print(
        f"Verdict:        [bold]{diagnosis.verdict}[/bold] ({diagnosis.reason})", highlight=False, soft_wrap=True
    )
    if diagnosis.probe_content is not None:
        console.print(f"Probes from:    {diagnosis.probe_content}")
    if diagnosis.direct_test is not None:
        _show_direct_test(diagnosis.direct_test)
    console.print(
        f"Agreement:      {diagnosis.agreement}   ({diagnosis.timings_seconds.total:.2f} s on {diagnosis.device})"
    )


def show_legend(diagnoses: "Iterable[Diagnosis]") -> None:
    """What the words of the answers above mean, and what verdicts of their kinds were measured to be worth."""
    console.print(f"\n{_LEGEND}", highlight=False, soft_wrap=True)
    given = [one.meta_classifier for one in diagnoses if one.verdict != "abstain"]
    for line in dict.fromkeys(_worth(meta.record) for meta in given if meta is not None and meta.record is not None):
        console.print(line, highlight=False, soft_wrap=True)


def _worth(record: "VerdictRecord") -> str:
    kind = "tasks that it had not seen" if record.task is None else f"other models of task {record.task}"
    right = "" if record.accuracy is None else f", {100 * record.accuracy:.0f} in 100 of them right"
    return f"In cross-validation, on {kind}, the sandwich gave verdicts on {100 * record.answered:.0f} of 100{right}"


def _show_direct_test(test: "LengthTestResult") -> None:
    long_accuracy = "unknown" if test.long_accuracy is None else f"{test.long_accuracy:.3f}"
    console.print(
        f"Direct test:    {'generalizer' if test.generalizer else 'not a generalizer'} "
        f"(accuracy {long_accuracy} on (T, 2T], cut {test.definition.generalizer_cut:.2f}; reach {test.reach:g}T)",
        soft_wrap=True,
    )
    table = Table("lengths", "in T", "correct", "accuracy", "95 % interval", box=SIMPLE_HEAD, show_edge=False)
    for bucket in test.buckets:
        lengths = f"{bucket.min_length}-{bucket.max_length}"
        if bucket.accuracy is None or bucket.accuracy_low is None or bucket.accuracy_high is None:
            table.add_row(lengths, bucket.relative, "-", "-", bucket.unreachable or "")
            continue
        interval = f"{bucket.accuracy_low:.3f} to {bucket.accuracy_high:.3f}"
        table.add_row(
            lengths, bucket.relative, f"{bucket.correct}/{bucket.formulas}", f"{bucket.accuracy:.3f}", interval
        )
    console.print(table)


def show_zoo(summary: "ZooSummary") -> None:
    """Counts, label balance by position scheme, accuracies."""
    console.print(
        f"{summary.subjects} subjects, {summary.converged} converged, {summary.generalizers} generalizers; "
        f"{summary.configurations} configurations, {summary.mixed_configurations} with both labels; "
        f"{summary.reserve} subjects in the reserve"
    )
    _show_parts("scheme", summary.by_scheme)
    if len(summary.by_task) > 1:
        _show_parts("task", summary.by_task)
    console.print(
        "generalizers: of the converged (*: one label has under 15 %); both: configurations with both labels, of those "
        "with any; long accuracy: on (T, 2T], 10/50/90 % of the converged",
        highlight=False,
    )


def _show_parts(what: str, parts: "dict[str, PartSummary]") -> None:
    heads = ("subjects", "converged", "generalizers", "both", "long accuracy")
    table = Table(what, *heads, box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for name, row in parts.items():
        quantiles = "/".join(f"{value:.2f}" for value in row.long_accuracy_quantiles)
        share = f" ({row.generalizers / row.converged:.0%})" if row.converged else ""
        generalizers = f"{row.generalizers}{share}{' *' if row.one_sided else ''}"
        both = f"{row.mixed_configurations} of {row.configurations}"
        table.add_row(name, str(row.subjects), str(row.converged), generalizers, both, quantiles)
    console.print(table)


def show_zoo_card(card: "ZooCard") -> None:
    """How well the labels hold, and how the zoo was made."""
    labels, training = card.label_stability, card.training_stability
    table = Table("labels compared with", "subjects", "flipped", "certain", "flipped")
    snapshots = {f"their own at {float(share):.0%} of training": flips for share, flips in training.snapshots.items()}
    for name, flips in {
        "a second test set": labels.second_test_set,
        "a second sampler": labels.second_sampler,
        "full precision": training.stored_precision,
        **snapshots,
    }.items():
        if flips.compared:
            counts = (flips.compared, flips.flipped, flips.certain, flips.certain_flipped)
            table.add_row(name, *map(str, counts))
    console.print(table)
    bags = "; ".join(f"{task}: {_best(buckets)}" for task, buckets in card.bag_of_symbols.items())
    console.print(f"Accuracy of the best reader of bags of symbols, over all lengths: {bags}", highlight=False)
    if training.subjects:
        again = f"{training.reproduced} of {training.subjects}"
        console.print(f"Trained again: {again} subjects came out bit for bit the same")
    console.print(
        f"{card.summary.train_core_seconds / 3600:.1f} hours of training on {', '.join(card.devices)}; "
        f"licence {card.licence}; index sha256 {card.index_sha256[:16]}…"
    )
    console.print(f"Made by: {card.rebuild}", soft_wrap=True)


def _best(buckets: "dict[str, dict[str, float]]") -> str:
    """Of each bucket the better reader, the least and the greatest of them where they differ."""
    found = sorted({f"{max(readers.values()):.3f}" for readers in buckets.values()})
    return found[0] if len(found) == 1 else f"{found[0]} to {found[-1]}"
