"""What a subject's answers to placed probes come down to, whichever class is which and however many there are.

All of it is read against the subject's own answer at the usual places: no label, no sign, no number of classes is left.
"""

import torch
from torch import Tensor

ANSWER_CHANNELS = ("margin", "support", "agreement", "change", "drift")
CHANNELS = (*ANSWER_CHANNELS, "length")
"""What a readout reads of a probe in one of its variants: the answer, and how long the probe is, in multiples of T."""
_TYPICAL_MARGIN = 6.0
"""Mean margin at the usual places that every subject is brought to: about that of a converged subject of the zoo."""
_NO_MARGIN = 1e-12

WORDS = {
    "margin": "the gap between its first and second answer",
    "support": "the lead of the answer that it gives at the usual places",
    "agreement": "its agreement with its answer at the usual places",
    "change": "the distance between its probabilities there and at the usual places",
    "drift": "the distance between its mean probabilities there and at the usual places",
}


def answer_channels(logits: Tensor, lengths: Tensor) -> Tensor:
    """`CHANNELS (models, draws, variants, probes, channels)` of logits `(models, draws, variants, probes, classes)`,
    the usual placement first, and `lengths (draws, probes)` in multiples of T.

    The margin is the gap between the first and the second logit; the support that of the class chosen at the usual
    places over the best other one; agreement is the chance that two answers drawn in the two variants are the same,
    from -1 for never to 1 for surely; change the total variation between the probabilities; and drift that
    between their means over the probes, which tells a subject that answers the same whatever is asked.
    A positive factor on the logits changes nothing, nor does a class that is never answered.
    """
    # Against the largest: a class that is never answered, at -1e9, leaves the others their digits.
    logits = logits - logits.amax(dim=-1, keepdim=True)
    size = _margin(logits[:, :, 0]).mean(dim=-1)[..., None, None, None]  # (models, draws, 1, 1, 1)
    logits = logits * (_TYPICAL_MARGIN / size.clamp(min=_NO_MARGIN))
    probabilities = logits.softmax(dim=-1)
    usual = probabilities[:, :, :1]
    same = (probabilities * usual).sum(dim=-1)
    means = probabilities.mean(dim=3, keepdim=True)
    drift = (means - means[:, :, :1]).abs().sum(dim=-1) / 2
    channels = [
        _margin(logits),
        _support(logits, logits[:, :, :1].argmax(dim=-1).expand(logits.shape[:-1])),
        2 * same - 1,
        (probabilities - usual).abs().sum(dim=-1) / 2,
        drift.expand(logits.shape[:-1]),
        lengths.unsqueeze(1).expand(logits.shape[:-1]),
    ]
    return torch.stack(channels, dim=-1)


def _margin(logits: Tensor) -> Tensor:
    top = logits.topk(2, dim=-1).values
    return top[..., 0] - top[..., 1]


def _support(logits: Tensor, chosen: Tensor) -> Tensor:
    own = logits.gather(-1, chosen.unsqueeze(-1))
    others = logits.scatter(-1, chosen.unsqueeze(-1), -torch.inf).amax(dim=-1)
    return own[..., 0] - others
