"""JointVAE: losses by hand, who is trained by what, capacities, codes in the interface's units."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from eig_tf.models import losses
from eig_tf.models.joint_vae import CODE_RANGE, JointVAE
from eig_tf.models.prior import CodePrior
from eig_tf.networks import joint_vae


def make(**options):
    keras.utils.set_random_seed(0)
    networks = joint_vae.build_networks(num_codes=4, num_continuous=3, image_shape=(28, 28, 1), width=0.25)
    return JointVAE(networks, CodePrior(4, learned=False), **options)


def sgd(rate):
    return keras.optimizers.legacy.SGD(rate)


def losses_of_step(model, images):
    model.compile(sgd(0.0))
    model.reset_metrics()
    return {name: float(value) for name, value in model.train_step(images).items()}


def test_reconstruction_sums_over_places_and_averages_over_channels():
    images, logits = np.zeros([2, 3, 3, 3], np.float32), np.zeros([2, 3, 3, 3], np.float32)
    np.testing.assert_allclose(losses.reconstruction_loss(images, logits), [9 * np.log(2)] * 2, rtol=1e-6)
    images[1, 0, 0, 0], logits[1, 0, 0, 0] = 1.0, -2.0
    expected = (26 * np.log(2) + np.log1p(np.exp(2.0))) / 3
    np.testing.assert_allclose(losses.reconstruction_loss(images, logits)[1], expected, rtol=1e-6)


def test_gaussian_kl_by_hand():
    means, log_variances = np.float32([[0, 0], [2, 0]]), np.float32([[0, 0], [0, np.log(4)]])
    expected = [0.0, 0.5 * 4 + 0.5 * (4 - 1 - np.log(4))]
    np.testing.assert_allclose(losses.gaussian_kl(means, log_variances), expected, rtol=1e-6)


def test_discrete_kl_is_zero_for_uniform_and_ln_k_for_certain_codes():
    logits = np.float32([[0, 0, 0, 0], [100, 0, 0, 0], [np.log(3), 0, -100, -100]])
    expected = [0.0, np.log(4), np.log(4) - (0.75 * np.log(4 / 3) + 0.25 * np.log(4))]
    np.testing.assert_allclose(losses.uniform_categorical_kl(tf.constant(logits)), expected, atol=1e-5)


@pytest.mark.parametrize("options", [
    {}, {"beta_continuous": 0.0, "beta_discrete": 50.0}, {"beta_continuous": 7.0, "beta_discrete": 0.0}])
def test_loss_is_reconstruction_and_weighted_kl_for_each_pixel(images, options):
    model = make(**options)
    found = losses_of_step(model, images)
    weights = float(model.beta_continuous), float(model.beta_discrete)
    expected = (found["reconstruction_loss"] + weights[0] * found["continuous_kl"]
                + weights[1] * found["discrete_kl"]) / 28**2
    assert found["loss"] == pytest.approx(expected, rel=1e-5)
    # Untrained: every pixel costs about ln 2, and the posterior is near the prior.
    assert found["reconstruction_loss"] == pytest.approx(28**2 * np.log(2), rel=0.05)
    assert 0 <= found["continuous_kl"] < 0.1 and 0 <= found["discrete_kl"] < 0.1


def test_capacities_grow_linearly_and_the_discrete_one_stops_at_ln_k(images):
    model = make(beta_continuous=2.0, beta_discrete=3.0, capacity_continuous=8.0, capacity_discrete=100.0,
                 capacity_steps=10)
    for step, progress in ((0, 0.0), (5, 0.5), (10, 1.0), (1000, 1.0)):
        model.step.assign(step)
        found = losses_of_step(model, images)
        expected = (found["reconstruction_loss"] + 2.0 * abs(8.0 * progress - found["continuous_kl"])
                    + 3.0 * abs(np.log(4) * progress - found["discrete_kl"])) / 28**2
        assert found["loss"] == pytest.approx(expected, rel=1e-5)


def test_all_weights_are_trained_and_the_losses_fall(images):
    model = make(beta_continuous=1.0, beta_discrete=1.0)
    model.compile(keras.optimizers.legacy.Adam(1e-3))
    before = [variable.numpy() for variable in model.trainable_variables]
    first = float(model.train_step(images)["reconstruction_loss"])
    assert all(not np.array_equal(old, new) for old, new in zip(before, model.trainable_variables))
    step = tf.function(model.train_step)
    for _ in range(60):
        step(images)
    model.reset_metrics()
    assert float(step(images)["reconstruction_loss"]) < first - 2
    # The prior is fixed and no part of what is trained.
    assert len(model.optimizers()["networks"][1]) == len(model.trainable_variables)
    np.testing.assert_allclose(model.prior.probabilities, np.full(4, 0.25), rtol=1e-6)


def test_continuous_codes_are_the_variables_in_units_of_three_standard_deviations(images):
    model = make()
    drawn = model.sample_latents(4000, (0, 1))
    assert drawn.noise.shape == (4000, 0) and drawn.continuous.shape == (4000, 3)
    assert np.abs(drawn.continuous).max() == 1.0
    np.testing.assert_allclose(np.std(drawn.continuous, axis=0), 1 / CODE_RANGE, rtol=0.05)
    assert set(np.unique(drawn.code)) == {0.0, 1.0}
    _, means, _, _ = model.encoder((images + 1) / 2)
    np.testing.assert_allclose(model.encode(images).continuous, means / 3, atol=1e-6)
    latents = drawn._replace(code=drawn.code[:2], continuous=drawn.continuous[:2], noise=drawn.noise[:2])
    expected = tf.sigmoid(model.decoder((latents.code, latents.continuous * 3))) * 2 - 1
    np.testing.assert_allclose(model.generate(latents), expected, atol=1e-6)


def test_same_seed_same_weights_other_seed_other_weights(images):
    def train(seed):
        model = make(seed=seed)
        model.compile()
        for _ in range(2):
            model.train_step(images)
        return np.concatenate([variable.numpy().ravel() for variable in model.trainable_variables])
    first, again, other = train(0), train(0), train(1)
    np.testing.assert_allclose(first, again, atol=1e-6)
    assert np.abs(first - other).max() > 1e-4


@pytest.mark.parametrize(("options", "sentence"), [
    ({"beta_continuous": -1.0}, "beta_continuous is -1.0; expected 0 or more"),
    ({"capacity_steps": 0}, "capacity_steps is 0; expected 1 or more"),
    ({"gumbel_temperature": 0.0}, "gumbel_temperature is 0.0; expected more than 0")])
def test_options_out_of_range_and_learned_priors_are_refused(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        make(**options)
    with pytest.raises(ValueError, match="the prior is learned; expected a fixed one"):
        JointVAE(joint_vae.build_networks(width=0.1), CodePrior(10))
