"""The running average of a network's weights, by hand and inside training."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from eig_tf.models.ema import update_ema
from eig_tf.models.infogan import InfoGAN
from eig_tf.models.prior import CodePrior
from eig_tf.networks import dcgan28


def normalized_dense():
    network = keras.Sequential([keras.layers.Dense(2), keras.layers.BatchNormalization()])
    network.build([None, 3])
    return network


def test_weights_move_by_one_minus_the_decay_and_statistics_are_copied():
    average, network = normalized_dense(), normalized_dense()
    before = [variable.numpy() for variable in average.trainable_variables]
    network.layers[1].moving_mean.assign([5.0, 6.0])
    update_ema(average, network, decay=0.75)
    for found, old, current in zip(average.trainable_variables, before, network.trainable_variables):
        np.testing.assert_allclose(found, 0.75 * old + 0.25 * current, atol=1e-6)
    np.testing.assert_array_equal(average.layers[1].moving_mean, [5.0, 6.0])


def averaged_model(decay):
    keras.utils.set_random_seed(0)
    return InfoGAN(dcgan28.build_networks(width=0.125, ema=decay > 0), CodePrior(10), ema_decay=decay)


def test_training_neither_sees_the_average_nor_goes_on_from_it(images, views):
    plain, averaged = averaged_model(0.0), averaged_model(0.5)
    assert plain.ema_generator is None and plain.inference_networks()["generator"] is plain.generator
    starts = [variable.numpy() for variable in averaged.generator.trainable_variables]
    for model in (plain, averaged):
        model.compile()
        step = tf.function(model.train_step)
        for _ in range(2):
            step((images, views))
    for one, other in zip(plain.generator.trainable_variables, averaged.generator.trainable_variables):
        np.testing.assert_allclose(one, other, atol=1e-6)
    for start, current, average in zip(starts, averaged.generator.trainable_variables,
                                       averaged.ema_generator.trainable_variables):
        low, high = np.minimum(start, current), np.maximum(start, current)
        # After two steps the average lies within a step of the path from the start to here.
        assert np.all(average >= low - 4e-4) and np.all(average <= high + 4e-4)
        assert not np.array_equal(average, current) and not np.array_equal(average, start)


@pytest.mark.parametrize(("decay", "sentence"), [
    (0.5, r"ema_decay is 0\.5, and the networks have no ema_generator; expected"),
    (1.0, r"ema_decay is 1\.0; expected less than 1"),
    (-0.1, r"ema_decay is -0\.1; expected 0 or more"), (float("nan"), "ema_decay is nan; expected")])
def test_decays_that_nothing_can_average_by(decay, sentence):
    with pytest.raises(ValueError, match=sentence):
        InfoGAN(dcgan28.build_networks(width=0.0625), CodePrior(10), ema_decay=decay)


def test_the_average_generates_outside_training(images, views):
    model = averaged_model(0.5)
    latents = model.sample_latents(4, (0, 1))
    model.ema_generator.to_image.bias.assign([3.0])
    (expected,) = model.ema_generator(latents, training=False)
    np.testing.assert_array_equal(model(latents), expected)
    (current,) = model.generator(latents, training=False)
    assert np.abs(current - expected).max() > 0.5
    model.compile()
    optimized = {id(variable) for _, variables in model.optimizers().values() for variable in variables}
    assert not optimized & {id(variable) for variable in model.ema_generator.variables}
