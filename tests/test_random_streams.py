"""Random streams: one place, one draw; other purposes, other draws."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from eig_tf.random_streams import Stream, stream_seed


def test_all_places_have_seeds_of_their_own():
    assert len(Stream) == len(Stream.__members__)  # No name is an alias of another tag.
    places = list(itertools.product((0, 1), Stream, (0, 1, 2), (0, 1, 2)))
    seeds = {tuple(stream_seed(*place).numpy()) for place in places}
    assert len(seeds) == len(places)
    # A stream's own seed is not that of its first place.
    assert len({tuple(stream_seed(0, Stream.VIEW, *numbers).numpy())
                for numbers in ((), (0,), (0, 0), (0, 0, 0))}) == 4


def test_same_place_same_seed_as_tensor_or_number():
    by_number = stream_seed(3, Stream.LATENTS, 7, 1)
    by_tensor = stream_seed(3, Stream.LATENTS, tf.constant(7, tf.int64), tf.constant(1, tf.int32))
    np.testing.assert_array_equal(by_number, by_tensor)
    assert by_number.shape == (2,) and by_number.dtype == tf.int32


@pytest.mark.parametrize("one", Stream)
def test_tags_are_documented(one):
    from eig_tf import random_streams
    assert f"| `{one.name}` |" in random_streams.__doc__
