"""What can be wrong with somebody's module in memory, one type a cause; each message says what to do.

UnusableReading          what was said of it cannot be
UnusableModel
├── UncallableModel      no way to call it was found, or it fails
├── BeyondItsTables      an input of T symbols asks for a row that an embedding has not
├── NotInPlainTorch      a ScriptModule, or one without weights
├── NotDeterministic     the same inputs get another answer
├── DependsOnItsBatch    an input's answer depends on the others beside it
├── WrongLogits          its answers are no logits of so many classes
├── NonFiniteAnswers     NaN or infinity
├── AnswersNothing       the same answer to everything, so that nothing can be checked
└── CannotBePlaced       symbols cannot be moved to places further out
    ├── TakesNoPlaces    neither positions nor a mask
    ├── FillersSeen      masked symbols change the answer
    ├── CountsItsSymbols masked symbols count for nothing, not even as places
    └── NoRoomForPlaces  its positions end before 2T
"""


class UnusableReading(ValueError):
    """A `Reading` that contradicts itself; the message names the field."""


class UnusableModel(ValueError):
    """A module that cannot be asked."""


class UncallableModel(UnusableModel):
    """No way to call the module was found."""

    def __init__(self, failure: str) -> None:
        super().__init__(
            f"the model cannot be called with ids of shape (batch, length): {failure}. Give "
            "forward=lambda ids, mask: ..., which returns logits (batch, classes); mask is True on symbols, not padding"
        )


class BeyondItsTables(UnusableModel, IndexError):
    """An embedding was asked for a row that it has not."""

    def __init__(self, row: int, rows: int) -> None:
        super().__init__(
            f"the model looks up row {row} of a table of {rows}: an input of T symbols, with a begin and an end symbol "
            "if it has any, is longer than its position table, or an id lies beyond its vocabulary; say a smaller "
            "`train_max_length` in the Reading, or the ids that the model was trained with"
        )


class NotInPlainTorch(UnusableModel):
    """A module whose parts cannot be looked into, or that has no weights."""

    def __init__(self, kind: str, instead: str) -> None:
        super().__init__(f"the model is {kind}, which cannot be asked: {instead}")


class NotDeterministic(UnusableModel):
    """The same batch has another answer the second time."""

    def __init__(self) -> None:
        super().__init__(
            "the model is not deterministic: the same inputs got another answer the second time. In eval mode, let it "
            "draw no random numbers and change neither weights nor buffers"
        )


class DependsOnItsBatch(UnusableModel):
    """An input has another answer beside other inputs."""

    def __init__(self) -> None:
        super().__init__(
            "an input's answer depends on its batch: it is another beside other inputs. In eval mode, let the model "
            "compute each input by itself, as nn.BatchNorm does with its running statistics"
        )


class WrongLogits(UnusableModel):
    """What the module returns is no logits of its classes."""

    def __init__(self, found: str, batch: int, classes: int) -> None:
        super().__init__(
            f"the model answers {batch} inputs with {found}, and logits of shape ({batch}, {classes}) are wanted: say "
            "`classes` in the Reading, or give forward=lambda ids, mask: ..., which returns them"
        )


class NonFiniteAnswers(UnusableModel):
    """NaN or infinity among the answers."""

    def __init__(self) -> None:
        super().__init__(
            "the model's answers are NaN or infinite; look at its weights, and whether its padding is masked the "
            "right way round (forward=lambda ids, mask: ..., mask is True on symbols)"
        )


class AnswersNothing(UnusableModel):
    """The module says the same whatever it is asked."""

    def __init__(self) -> None:
        super().__init__("the model gives the same answer to every input; train it further before it is asked")


class CannotBePlaced(UnusableModel):
    """Symbols cannot be moved to places further out, which is all that the probes do."""


class TakesNoPlaces(CannotBePlaced):
    """Nothing that could move a symbol was found."""

    def __init__(self) -> None:
        super().__init__(
            "the model takes neither positions nor a mask, and no nn.Embedding of it is asked for 0, 1, 2, …: let its "
            "`forward` take `position_ids`, or a mask of the padding"
        )


class FillersSeen(CannotBePlaced):
    """Masked symbols change the answer."""

    def __init__(self) -> None:
        super().__init__(
            "the model's answer changes with symbols that are masked between others: mask them in every attention and "
            "pool over symbols alone, or let its `forward` take `position_ids`"
        )


class CountsItsSymbols(CannotBePlaced):
    """Masked symbols between others change nothing."""

    def __init__(self) -> None:
        super().__init__(
            "masked symbols between others move nothing in the model: it counts the visible ones to find positions, or "
            "it has no positions. Let its `forward` take `position_ids`, or say positions=False in the Reading"
        )


class NoRoomForPlaces(CannotBePlaced):
    """Its positions end too early."""

    def __init__(self, longest: int, wanted: int) -> None:
        super().__init__(
            f"the model runs on at most {longest} symbols, and probes are placed on up to {wanted}, twice its T: build "
            "it with more positions before it is trained"
        )
