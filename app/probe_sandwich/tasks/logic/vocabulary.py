"""The symbols of every task, in id order, shared by the sampler, the subjects and the probes."""

VARIABLES = ("a", "b", "c", "d", "e")
NOT, AND, OR, OPEN, CLOSE = "~", "&", "|", "(", ")"
FORMULA_SYMBOLS = (*VARIABLES, NOT, AND, OR, OPEN, CLOSE)
BEGIN, PAD = "<bos>", "<pad>"
VOCABULARY = (*FORMULA_SYMBOLS, BEGIN, PAD)

IDS = {symbol: index for index, symbol in enumerate(VOCABULARY)}
PAD_ID = IDS[PAD]


class UnknownSymbol(ValueError):
    """A text holds a character that stands in no formula."""

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        super().__init__(f"{symbol!r} is not a formula symbol; use {' '.join(FORMULA_SYMBOLS)}")


def encode(formula: str) -> list[int]:
    """Symbol ids of a formula. Raises `UnknownSymbol`."""
    for symbol in formula:
        if symbol not in FORMULA_SYMBOLS:
            raise UnknownSymbol(symbol)
    return [IDS[symbol] for symbol in formula]


def decode(ids: list[int]) -> str:
    """The formula that the ids spell, padding left out."""
    return "".join(VOCABULARY[index] for index in ids if index != PAD_ID)
