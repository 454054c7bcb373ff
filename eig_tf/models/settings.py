"""Numbers of a model that may change during training."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


class VariableSetting:
    """A number that takes effect as soon as it is assigned, even in a training step that is traced already.

    A Python number would become a constant of the graph. As a descriptor of a Keras model or layer, this
    class keeps the number in a variable, so that a callback can follow a schedule by plain assignment:
    `model.contrastive_temperature = 0.5`. The variable is not saved in checkpoints: a schedule is a
    function of the epoch. Learning rates differ: they belong to optimizers, whose state checkpoints hold, so
    they follow a `keras.optimizers.schedules.LearningRateSchedule`.

    Args:
        low: smallest value, or None.
        above: value that it must exceed, or None.
        below: value that it must stay below, or None.
    """

    def __init__(self, low: float | None = None, above: float | None = None,
                 below: float | None = None) -> None:
        self._low, self._above, self._below = low, above, below

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else instance.__dict__[f"_{self._name}_variable"]

    def __set__(self, instance: Any, value: float) -> None:
        value = self._checked(float(value))
        key = f"_{self._name}_variable"
        if key in instance.__dict__:
            instance.__dict__[key].assign(value)
        else:
            with tf.init_scope():
                instance.__dict__[key] = tf.Variable(
                    value, trainable=False, dtype=tf.float32, name=self._name)

    def _checked(self, value: float) -> float:
        # The comparisons are written so that NaN fails too.
        if self._low is not None and not value >= self._low:
            raise ValueError(f"{self._name} is {value}; expected {self._low} or more")
        if self._above is not None and not value > self._above:
            raise ValueError(f"{self._name} is {value}; expected more than {self._above}")
        if self._below is not None and not value < self._below:
            raise ValueError(f"{self._name} is {value}; expected less than {self._below}")
        return value


class FixedChoice:
    """One of several words, which is part of the training graph and cannot change once it is set.

    Args:
        *choices: the allowed values.
    """

    def __init__(self, *choices: Any) -> None:
        self._choices = choices

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else instance.__dict__[f"_{self._name}_choice"]

    def __set__(self, instance: Any, value: Any) -> None:
        key = f"_{self._name}_choice"
        if key in instance.__dict__:
            raise ValueError(f"{self._name} is fixed when the model is built; expected a new model for "
                             f"{value!r}")
        if value not in self._choices:
            expected = ", ".join(map(repr, self._choices))
            raise ValueError(f"{self._name} is {value!r}; expected one of {expected}")
        instance.__dict__[key] = value
