"""The random streams of training: every draw is a pure function of (seed, stream, numbers).

No stream has a hidden state, so that a resumed run draws what it would have drawn without the
interruption. Each purpose has a tag of its own, so that no two of them share their draws.

| stream | numbers that follow | draws |
|---|---|---|
| `SHUFFLE` | epoch | order of the training images |
| `VIEW` | epoch, batch | transformations of the positive views |
| `LATENTS` | step, 0 | noise, code and continuous codes of a training step |
| `DIFF_AUGMENT` | step, 0, phase, stage, group | differentiable augmentation of what D sees |
| `POSTERIOR` | step, 0 | samples from the posterior of a VAE |
| `PICTURE` | | latents of sample grids and figures |
| `CATEGORIZER` | step | transformations of the images that train a categorizer |
| `GUIDANCE` | step, 0 | transformations of the generated images that a categorizer sees |
| `CONTRASTIVE` | step, view | transformations of the images that train a categorizer's encoder |
| `GROUPING` | code | latents of the generated images of a code, by which it gets its category |
| `REBALANCE` | group, block | latents of generated images that rare groups of a balanced folder get |

Draws of a training step are those of the global batch, whatever the number of devices: each replica draws
them all and keeps the rows of its `BatchPart`.

Images of one code, such as those that a classifier judges, come from the seed (evaluation seed, code).
Draws of NumPy, such as the class-imbalanced subset and the held-out images, come from generators that
are seeded where they are used.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

import tensorflow as tf


class Stream(enum.IntEnum):
    """Tags of the streams; a changed number changes published results."""

    SHUFFLE = 1
    VIEW = 2
    LATENTS = 3
    DIFF_AUGMENT = 4
    POSTERIOR = 5
    PICTURE = 6
    CATEGORIZER = 8
    GUIDANCE = 9
    REBALANCE = 10
    CONTRASTIVE = 11
    GROUPING = 12


class BatchPart(NamedTuple):
    """One of the equal parts, in order, of a global batch.

    Attributes:
        number: its number, from 0.
        parts: how many there are.
    """

    number: int | tf.Tensor = 0
    parts: int = 1

    def rows(self, values: tf.Tensor) -> tf.Tensor:
        """Return this part's rows [n, ...] of values [parts * n, ...]."""
        if self.parts == 1:
            return values
        size = tf.shape(values)[0] // self.parts
        start = tf.cast(self.number, tf.int32) * size
        return values[start:start + size]


WHOLE_BATCH = BatchPart()


def stream_seed(seed: int, stream: Stream, *numbers: int | tf.Tensor) -> tf.Tensor:
    """Return the stateless seed, int32 [2], of a stream at a place that `numbers` name.

    Args:
        seed: root of all randomness, from 0 to 2^31 - 1.
        stream: what is drawn.
        *numbers: integers, or integer scalars; see the table above.
    """
    folded = tf.constant([seed, 0], tf.int32)
    for number in (int(stream), *numbers):
        folded = tf.random.experimental.stateless_fold_in(folded, tf.cast(number, tf.int32))
    return folded
