"""What labelled formulas buy."""

from probe_sandwich.evidence.experiment.zoo import Zoo
from probe_sandwich.evidence.figures.price import direct_test_prices, overtaken_at


def test_more_labelled_formulas_buy_a_better_direct_test(shipped: Zoo) -> None:
    prices = direct_test_prices(shipped.rows, shipped.labels)
    areas = [price.auc for price in prices]
    assert areas == sorted(areas)
    assert areas[0] < 0.7
    assert areas[-1] > 0.95
    # T = 12: buckets of 13 to 18 and of 19 to 24 symbols, and the begin symbol.
    assert prices[0].tokens == 19.5
    assert overtaken_at(prices, areas[3]) == 8
    assert overtaken_at(prices, 1.0) is None
