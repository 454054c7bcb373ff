"""The stream of training batches: content and order of epochs."""

import numpy as np
import pytest
import tensorflow as tf

from eig_tf.data import augment, pipeline
from eig_tf.data.image_set import StoredImages
from eig_tf.random_streams import WHOLE_BATCH

NUM, BATCH = 50, 8
STEPS = NUM // BATCH


@pytest.fixture(scope="module")
def images():
    """Image i is filled with the value i, which identifies it in a batch."""
    return np.broadcast_to(np.arange(NUM, dtype=np.uint8)[:, None, None, None], (NUM, 4, 4, 1)).copy()


def shifted(images, seed, part=WHOLE_BATCH):
    """Return a view that depends on the seed: each image plus a draw of its own."""
    return images + part.rows(
        tf.random.stateless_uniform([tf.shape(images)[0] * part.parts, 1, 1, 1], seed))


def members(batch):
    """Return the numbers of the images in a batch [N, 4, 4, 1] in [-1, 1]."""
    return np.rint((batch.numpy()[:, 0, 0, 0] + 1) * 127.5).astype(int).tolist()


def epochs_of(images, seed=3, epochs=1, first_epoch=0):
    """Return the numbers of the images in the stream, a list for each epoch."""
    stream = pipeline.training_batches(images, BATCH, seed, epochs, first_epoch)
    numbers = [number for batch in stream for number in members(batch)]
    return [numbers[start:start + STEPS * BATCH] for start in range(0, len(numbers), STEPS * BATCH)]


def test_bytes_are_mapped_to_the_range_of_the_networks_which_views_keep():
    values = pipeline.to_float(np.array([0, 51, 255], np.uint8))
    assert values.dtype == tf.float32
    np.testing.assert_allclose(values, [-1.0, -0.6, 1.0], atol=1e-6)
    noise = np.random.default_rng(0).integers(0, 256, (20, 28, 28, 1), np.uint8)
    noise[0, :2] = [[[0]], [[255]]]
    for batch, views in pipeline.training_batches(noise, 10, 0, 2, make_view=augment.positive_view):
        for values in (batch, views):
            assert tf.reduce_min(values) >= -1 and tf.reduce_max(values) <= 1
        assert tf.reduce_min(batch) < -0.99 and tf.reduce_max(batch) > 0.99


@pytest.mark.parametrize("seed", [0, 3, 2**31 - 1])
def test_epochs_hold_each_image_at_most_once_in_another_order_and_all_of_them_together(images, seed):
    epochs = epochs_of(images, seed, epochs=8)
    assert [len(epoch) for epoch in epochs] == [STEPS * BATCH] * 8
    assert all(len(set(epoch)) == len(epoch) for epoch in epochs)
    assert set().union(*epochs) == set(range(NUM))
    assert epochs[0] != epochs[1] and epochs[0] != sorted(epochs[0])
    assert epochs_of(images, seed=4)[0] != epochs[0]
    assert epochs_of(images, seed)[0] == epochs[0]


def test_stream_that_starts_later_continues_the_whole_stream(images):
    whole = list(pipeline.training_batches(images, BATCH, 3, 3, make_view=shifted))
    late = list(pipeline.training_batches(images, BATCH, 3, 3, first_epoch=1, make_view=shifted))
    assert len(whole) == 3 * STEPS and len(late) == 2 * STEPS
    for expected, found in zip(whole[STEPS:], late):
        np.testing.assert_array_equal(expected[0], found[0])
        np.testing.assert_array_equal(expected[1], found[1])
    assert epochs_of(images, epochs=5)[:2] == epochs_of(images, epochs=2)
    assert epochs_of(images, epochs=2, first_epoch=2) == []


def test_stream_that_starts_within_an_epoch_continues_the_whole_stream(images):
    whole = list(pipeline.training_batches(images, BATCH, 3, 3, make_view=shifted))
    late = list(pipeline.training_batches(
        images, BATCH, 3, 3, first_epoch=1, first_step=2, make_view=shifted))
    assert len(late) == 2 * STEPS - 2
    for expected, found in zip(whole[STEPS + 2:], late):
        np.testing.assert_array_equal(expected[0], found[0])
        np.testing.assert_array_equal(expected[1], found[1])


@pytest.mark.parametrize(("hosts", "per_host"), [(1, 2), (2, 1), (2, 2), (4, 1)])
def test_parts_of_the_replicas_together_are_the_batches_of_one_device(images, hosts, per_host):
    replicas = hosts * per_host
    whole = list(pipeline.training_batches(images, BATCH, 3, 2, make_view=augment.positive_view))
    streams = []
    for host in range(hosts):
        context = tf.distribute.InputContext(hosts, host, replicas)
        stream = list(pipeline.training_batches(
            images, BATCH, 3, 2, make_view=augment.positive_view, replicas=context))
        assert len(stream) == len(whole) * per_host
        streams.append([stream[step * per_host:(step + 1) * per_host] for step in range(len(whole))])
    for step, (batch, views) in enumerate(whole):
        parts = [part for stream in streams for part in stream[step]]
        assert len(parts) == replicas
        np.testing.assert_array_equal(batch, tf.concat([part[0] for part in parts], axis=0))
        np.testing.assert_allclose(views, tf.concat([part[1] for part in parts], axis=0), atol=1e-6)


def test_batch_larger_than_the_set_gives_no_batches(images):
    assert list(pipeline.training_batches(images, NUM + 1, 0, 1)) == []
    assert len(list(pipeline.training_batches(images, NUM, 0, 1))) == 1


def test_pairs_hold_images_and_their_views_and_nothing_else(images):
    """Training never uses labels: no element of the stream could hold them."""
    stream = pipeline.training_batches(images, BATCH, 0, 2, make_view=shifted)
    assert [spec.dtype for spec in stream.element_spec] == [tf.float32, tf.float32]
    shifts = [(views - batch).numpy()[:, 0, 0, 0] for batch, views in stream]
    assert np.shape(shifts) == (2 * STEPS, BATCH)
    assert np.min(shifts) >= 0 and np.max(shifts) < 1
    # Every image of every step and epoch has a draw of its own.
    assert len(np.unique(np.round(shifts, 5))) > 0.99 * np.size(shifts)


def test_images_in_a_file_give_the_batches_of_images_in_memory(images, tmp_path):
    (tmp_path / "images").write_bytes(images.tobytes())
    stored = StoredImages(tmp_path / "images", images.shape)
    streams = [pipeline.training_batches(source, BATCH, 3, 2) for source in (images, stored)]
    for in_memory, in_file in zip(*streams):
        np.testing.assert_array_equal(in_memory, in_file)


def test_image_that_cannot_be_read_ends_the_stream_with_its_reason(images):
    class Broken:
        shape = images.shape

        def __len__(self):
            return len(images)

        def __getitem__(self, indices):
            raise OSError("the disk is gone")
    with pytest.raises(tf.errors.UnknownError, match="the disk is gone"):
        list(pipeline.training_batches(Broken(), BATCH, 0, 1))
