"""The rest of a training by hand, from the times of a clock that the test turns."""

import numpy as np
import pytest
from tensorflow import keras

from eig_tf.runs.training_progress import TrainingProgress


@pytest.fixture
def train():
    """Calls a callback as `fit` does, with epochs of given seconds; it starts after `epochs_done`."""
    def fit(callback, seconds, epochs_done=0):
        callback.on_train_begin()
        for epoch, duration in enumerate(seconds, epochs_done):
            callback.on_epoch_begin(epoch)
            callback.clock.now += duration
            callback.on_epoch_end(epoch)
        callback.on_train_end()
    return fit


class Clock:
    """A clock that stands still until it is turned."""

    now = 1000.0

    def __call__(self):
        return self.now


def lines(capsys):
    return capsys.readouterr().out.splitlines()


def test_first_epoch_counts_only_until_there_is_another(train, capsys):
    train(TrainingProgress(200, Clock()), [100, 40, 60, 40])
    # 199 * 100 s, 198 * 40 s, 197 * median(40, 60) s.
    assert lines(capsys) == [
        "epoch 1 of 200, 100 s an epoch, about 5.5 h left",
        "epoch 2 of 200, 40 s an epoch, about 2.2 h left",
        "epoch 3 of 200, 50 s an epoch, about 2.7 h left"]


def test_the_search_for_categories_is_named_until_it_is_over(train, capsys):
    train(TrainingProgress(4, Clock(), search_after=2), [100, 100, 100, 100])
    assert lines(capsys) == [
        "epoch 1 of 4, 100 s an epoch, about 5 min left, the search for categories apart",
        "epoch 2 of 4, 100 s an epoch, about 3 min left, the search for categories apart",
        "epoch 3 of 4, 100 s an epoch, about 100 s left"]


def test_median_of_the_last_ten_epochs(train, capsys):
    """One slow epoch changes nothing, and ten that are slow replace those before."""
    train(TrainingProgress(100, Clock()), [90] + [30] * 12 + [1000] + [31] * 10 + [1])
    found = lines(capsys)
    assert found[12] == "epoch 13 of 100, 30 s an epoch, about 44 min left"  # 87 * 30 s
    assert found[13] == "epoch 14 of 100, 30 s an epoch, about 43 min left"
    assert found[23] == "epoch 24 of 100, 31 s an epoch, about 39 min left"


def test_elsewhere_lines_are_thirty_seconds_apart(train, capsys):
    train(TrainingProgress(200, Clock()), [9] + [4.1] * 20)
    found = lines(capsys)
    # At 9 s, and then at the first end of an epoch that is 30 s later: after eight epochs of 4.1 s each time.
    assert [line.split(",")[0] for line in found] == [
        "epoch 1 of 200", "epoch 9 of 200", "epoch 17 of 200"]
    assert found[1] == "epoch 9 of 200, 4.1 s an epoch, about 13 min left"  # 191 * 4.1 s


def test_a_terminal_shows_every_epoch(train, terminal):
    with terminal() as shown:
        train(TrainingProgress(5, Clock()), [2, 1, 1, 1, 1])
        found = shown().splitlines()
    assert found == [
        "epoch 1 of 5, 2 s an epoch, about 8 s left", "epoch 2 of 5, 1 s an epoch, about 3 s left",
        "epoch 3 of 5, 1 s an epoch, about 2 s left", "epoch 4 of 5, 1 s an epoch, about 1 s left"]


def test_a_second_fit_begins_anew_and_counts_from_where_it_starts(train, capsys):
    """A resumed run, or the last epochs of a run that found categories: their step is traced again."""
    callback = TrainingProgress(50, Clock())
    train(callback, [5, 5])
    train(callback, [80, 40, 1], epochs_done=40)
    assert lines(capsys) == [
        "epoch 1 of 50, 5 s an epoch, about 4 min left", "epoch 41 of 50, 80 s an epoch, about 12 min left",
        "epoch 42 of 50, 40 s an epoch, about 5 min left"]


def test_one_epoch_says_nothing(train, capsys):
    train(TrainingProgress(1, Clock()), [100])
    assert lines(capsys) == []


def test_a_line_of_its_own_between_the_bars_of_keras(terminal):
    model = keras.Sequential([keras.layers.Dense(1, input_shape=(2,))])
    model.compile("sgd", "mse")
    with terminal() as shown:
        model.fit(np.zeros([4, 2]), np.zeros([4, 1]), batch_size=2, epochs=3, verbose=1,
                  callbacks=[TrainingProgress(3)])
        lines_shown = [line.split("\r")[-1] for line in shown().split("\n")[:-1]]
    assert [line.split(",")[0].split(" [")[0] for line in lines_shown] == [
        "Epoch 1/3", "2/2", "epoch 1 of 3", "Epoch 2/3", "2/2", "epoch 2 of 3", "Epoch 3/3", "2/2"]
