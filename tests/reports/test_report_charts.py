"""Lines of charts by hand."""

import numpy as np

from eig_tf.reports.charts import line_chart


def test_points_are_percent_from_the_upper_left():
    values = {"a": np.array([1.0, np.nan, 3]), "b": np.array([2.0, 2, 2])}
    chart = line_chart("loss", np.array([1.0, 2, 5]), values)
    assert [line.points for line in chart.lines] == [
        "0.00,100.00 100.00,0.00", "0.00,50.00 25.00,50.00 100.00,50.00"]
    assert (chart.low, chart.high, chart.first, chart.last) == (1, 3, 1, 5)
    assert chart.description == "loss: 2 lines from epoch 1 to 5, between 1 and 3"


def test_one_epoch_a_constant_and_a_training_that_diverged():
    assert line_chart("loss", np.ones(1), {"a": np.zeros(1)}).lines[0].points == "0.00,100.00"
    assert line_chart("loss", np.arange(2.0), {"a": np.full(2, np.nan)}) is None


def test_colours_follow_the_order():
    lines = line_chart("loss", np.ones(1), {"b": np.ones(1)}, order=["a", "b"]).lines
    assert lines[0].colour == 1
