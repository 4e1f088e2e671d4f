"""How much of a label a reader can tell from the bag of symbols alone: counts of each, and the length."""

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from probe_sandwich.tasks.datasets import Formulas


def bag_of_symbols(formulas: Formulas) -> NDArray[np.float64]:
    """Counts of each symbol, and the length: `(formulas, symbols + 1)`."""
    counts = [(formulas.ids == symbol).sum(axis=1) for symbol in range(len(formulas.alphabet))]
    return np.stack([*counts, formulas.lengths], axis=1).astype(np.float64)


def bag_of_symbols_accuracy(train: Formulas, test: Formulas, seed: int = 0) -> dict[str, float]:
    """Accuracy of a linear reader and of a small MLP of bags of symbols."""
    readers = {
        "linear": LogisticRegression(max_iter=1000),
        "mlp": MLPClassifier((32,), max_iter=60, random_state=seed, early_stopping=True),
    }
    accuracies = {}
    for name, reader in readers.items():
        model = make_pipeline(StandardScaler(), reader).fit(bag_of_symbols(train), train.satisfiable)
        accuracies[name] = float(model.score(bag_of_symbols(test), test.satisfiable))
    return accuracies
