"""Places chosen with masked fillers, for a model that counts its positions itself.

A symbol stands further on where masked filler symbols stand before it: the model counts them, and nothing sees them.
"""

import torch
from torch import Tensor


def with_fillers(vectors: Tensor, mask: Tensor, places: Tensor, filler: Tensor) -> tuple[Tensor, Tensor]:
    """Sequences `vectors (batch, length, width)` with padding to the right, their symbols moved to `places
    (batch, length)`, which rise; fillers `(width,)` stand wherever no symbol does.

    Returns vectors `(batch, 1 + last place, width)` and their mask, true on symbols.
    """
    width = int(places.max()) + 1
    rows = torch.arange(len(vectors), device=vectors.device).unsqueeze(1)
    moved = filler.expand(len(vectors), width, -1).clone()
    # Padding is moved too: whatever stands in it is masked as before.
    moved[rows, places] = vectors
    seen = mask.new_zeros(len(vectors), width)
    seen[rows, places] = mask
    return moved, seen


def at_places(stream: Tensor, places: Tensor) -> Tensor:
    """What stands at `places (batch, length)` of a stream `(batch, width, channels)`."""
    return stream.gather(1, places.unsqueeze(-1).expand(-1, -1, stream.shape[-1]))


def last_seen(mask: Tensor) -> Tensor:
    """The last place `(batch,)` where `mask (batch, width)` is true."""
    place = torch.arange(mask.shape[1], device=mask.device)
    return (place * mask).amax(dim=1)
