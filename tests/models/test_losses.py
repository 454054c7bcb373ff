"""The losses against values computed by hand."""

import math

import numpy as np
import pytest
import tensorflow as tf

from eig_tf.models import losses
from eig_tf.random_streams import BatchPart

RNG = np.random.default_rng(0)
LN2 = math.log(2.0)


def softplus(x):
    return math.log1p(math.exp(x))


def constant(values):
    return tf.constant(values, tf.float32)


def test_discriminator_loss_by_hand():
    loss = losses.discriminator_loss(constant([0.0, 2.0]), constant([0.0, -1.0]))
    np.testing.assert_allclose(loss, [2 * LN2, softplus(-2) + softplus(-1)], rtol=1e-6)


def test_generator_loss_by_hand_and_not_saturating():
    logits = constant([0.0, 3.0, -20.0])
    np.testing.assert_allclose(losses.generator_loss(logits), [LN2, softplus(-3), 20.0], rtol=1e-6)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = losses.generator_loss(logits)
    # A saturating loss would have no gradient where D is sure that the image is generated.
    np.testing.assert_allclose(tape.gradient(loss, logits), [-0.5, -1 / (1 + math.e**3), -1.0], rtol=1e-5)


def test_adversarial_losses_of_extreme_logits_are_finite():
    extreme = constant([1e4, -1e4])
    np.testing.assert_allclose(losses.discriminator_loss(extreme, -extreme), [0.0, 2e4])
    np.testing.assert_allclose(losses.generator_loss(extreme), [0.0, 1e4])


def test_hard_information_loss_by_hand():
    logits = constant(np.log([[0.5, 0.25, 0.25], [0.5, 0.25, 0.25], [1 / 3, 1 / 3, 1 / 3]]))
    codes = constant([[0.6, 0.3, 0.1], [0.1, 0.1, 0.8], [0.0, 1.0, 0.0]])
    np.testing.assert_allclose(
        losses.information_loss(codes, logits), [LN2, 2 * LN2, math.log(3)], rtol=1e-5)


def test_soft_information_loss_by_hand():
    logits = constant(np.log([[0.5, 0.25, 0.25], [0.5, 0.25, 0.25]]))
    codes = constant([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    np.testing.assert_allclose(
        losses.information_loss(codes, logits, "soft"), [1.5 * LN2, 2 * LN2], rtol=1e-5)
    with pytest.raises(ValueError, match="'relaxed'"):
        losses.information_loss(codes, logits, "relaxed")


@pytest.mark.parametrize("target", ["hard", "soft"])
def test_information_loss_reaches_the_logits_and_never_the_codes(target):
    codes, logits = constant([[0.7, 0.3]]), constant([[0.2, -0.1]])
    with tf.GradientTape() as tape:
        tape.watch([codes, logits])
        loss = losses.information_loss(codes, logits, target)
    codes_gradient, logits_gradient = tape.gradient(loss, [codes, logits])
    assert codes_gradient is None or not np.any(codes_gradient)
    assert np.all(logits_gradient != 0)


def test_continuous_information_loss_by_hand():
    loss = losses.continuous_information_loss(
        constant([[0.0, 0.0], [0.5, -0.5]]), constant([[1.0, 0.0], [0.5, 0.5]]))
    np.testing.assert_allclose(loss, [0.5 + math.log(2 * math.pi)] * 2, rtol=1e-6)


def test_continuous_information_loss_without_continuous_codes_is_zero():
    np.testing.assert_array_equal(
        losses.continuous_information_loss(tf.zeros([3, 0]), tf.zeros([3, 0])), np.zeros(3))


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_nt_xent_of_two_orthogonal_pairs_by_hand(temperature):
    """Each anchor has similarity 1 with its pair and 0 with two others, whatever the lengths."""
    loss = losses.nt_xent_loss(constant([[1, 0], [0, 3]]), constant([[2, 0], [0, 1]]), temperature)
    np.testing.assert_allclose(loss, [math.log1p(2 * math.exp(-1 / temperature))] * 4, rtol=1e-5)


def test_nt_xent_of_two_unequal_pairs_by_hand():
    """f1 = f2 = p1 and p2 orthogonal to them: ln(2e + 1) less the similarity of the pair; ln 3 for p2."""
    loss = losses.nt_xent_loss(constant([[1, 0], [1, 0]]), constant([[1, 0], [0, 1]]))
    full = math.log(2 * math.e + 1)
    np.testing.assert_allclose(loss, [full - 1, full, full - 1, math.log(3)], rtol=1e-5)


def test_nt_xent_equals_equation_3_written_out():
    """Eagerly, and in a graph that does not know the batch size."""
    features, positives = RNG.normal(size=(2, 7, 5))
    anchors = np.concatenate([features, positives])
    anchors /= np.linalg.norm(anchors, axis=1, keepdims=True)
    expected = []
    for i, anchor in enumerate(anchors):
        exponentials = [math.exp(anchor @ other / 0.3) for other in anchors]
        others = sum(value for j, value in enumerate(exponentials) if j != i)
        expected.append(-math.log(exponentials[(i + 7) % 14] / others))
    unknown = tf.TensorSpec([None, 5])
    graph = tf.function(losses.nt_xent_loss, input_signature=[unknown, unknown, tf.TensorSpec([])])
    for loss in (losses.nt_xent_loss, graph):
        found = loss(constant(features), constant(positives), constant(0.3))
        np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize("num", [1, 2, 5, 64])
@pytest.mark.parametrize("temperature", [1.0, 0.1])
def test_nt_xent_of_identical_features_is_log_of_the_number_of_others(num, temperature):
    same = tf.ones([num, 8])
    np.testing.assert_allclose(
        losses.nt_xent_loss(same, same, temperature), np.full(2 * num, math.log(2 * num - 1)), atol=1e-4)


def test_nt_xent_of_the_parts_of_a_batch_is_that_of_the_whole():
    features, positives = np.random.default_rng(0).normal(size=(2, 6, 4)).astype(np.float32)
    whole = losses.nt_xent_loss(features, positives, 0.5).numpy()
    gathered = np.concatenate([part for start in (0, 2, 4)
                               for part in (features[start:start + 2], positives[start:start + 2])])
    for index in range(3):
        rows = slice(2 * index, 2 * index + 2)
        found = losses.nt_xent_loss(features[rows], positives[rows], 0.5, gathered, BatchPart(index, 3))
        np.testing.assert_allclose(found, np.concatenate([whole[:6][rows], whole[6:][rows]]), rtol=1e-5)


def test_nt_xent_gradient_of_identical_features_is_finite():
    same = tf.Variable(tf.ones([4, 8]))
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(losses.nt_xent_loss(same, tf.identity(same), temperature=0.1))
    assert np.isfinite(tape.gradient(loss, same)).all()


def test_positive_pair_loss_by_hand():
    predictions = constant([[1, 0, 0], [1, 0, 0], [0.5, 0.5, 0], [0.6, 0.2, 0.2]])
    views = constant([[1, 0, 0], [0, 1, 0], [1, 0, 0], [0.6, 0.2, 0.2]])
    np.testing.assert_allclose(losses.positive_pair_loss(predictions, views, 0.5),
                               [-2.0, 0.0, -2 / math.sqrt(2), -2.0], atol=1e-5)
