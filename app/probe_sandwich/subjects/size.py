"""What a subject costs to run, from its sizes alone: bytes and floating-point operations of a sequence."""

from dataclasses import dataclass

_SCORE_COPIES = 4
"""Attention scores that live at once: the product, its bias, their sum and the softmax."""
_STREAM_COPIES = 8
"""Vectors of a position that live at once beside the streams: queries, keys, values, sums and norms."""


@dataclass(frozen=True)
class Size:
    """Sizes of one subject. `parameters` are those that every position goes through: no tables of symbols or positions.

    `inner` is the width of the feed-forward sublayer."""

    parameters: int
    layers: int
    heads: int
    width: int
    inner: int

    def row_bytes(self, length: int) -> int:
        """Bytes that one sequence of so many positions takes at the peak, in single precision."""
        scores = _SCORE_COPIES * self.heads * length**2
        vectors = length * (self.width * (self.layers + 1 + _STREAM_COPIES) + 2 * self.inner)
        return 4 * (scores + vectors)

    def row_flop(self, length: int) -> int:
        """Floating-point operations of one sequence."""
        return 2 * length * self.parameters + 4 * self.layers * length**2 * self.width
