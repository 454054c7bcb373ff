"""The loss scale of float16: right gradients, skipped steps, losses near those of float32."""

import numpy as np
import pytest
from tensorflow import keras

from eig_tf.config import load_preset
from eig_tf.models.optimizers import loss_scale, unscaled, with_loss_scale
from eig_tf.models.registry import build_model, compile_model
from eig_tf.networks.precision import policy


def scaled_sgd(rate, beta_1=0.0, scale=2.0**15):
    return keras.mixed_precision.LossScaleOptimizer(keras.optimizers.legacy.SGD(rate), initial_scale=scale)


def sgd(rate, beta_1=0.0):
    return keras.optimizers.legacy.SGD(rate)


@pytest.fixture
def train(images, views):
    """Makes one training step; returns the model, its weights before and after, and its losses."""
    def run(make_optimizer, precision="float32", method="elastic_infogan", routing="head"):
        config = load_preset("mnist", method=method)
        config.networks.width = 0.125
        if "loss" in config:
            config.loss.gradient_routing = routing
        with policy(precision):
            keras.utils.set_random_seed(0)
            model = build_model(config)
            compile_model(model, config, make_optimizer)
        before = [variable.numpy() for variable in model.trainable_variables]
        losses = model.train_step(images if method == "joint_vae" else (images, views))
        after = [variable.numpy() for variable in model.trainable_variables]
        return model, before, after, {name: float(loss) for name, loss in losses.items()}
    return run


def test_only_float16_has_a_scale():
    for precision in ("float32", "mixed_bfloat16"):
        with policy(precision):
            optimizer = sgd(0.1)
            assert with_loss_scale(optimizer) is optimizer and loss_scale(optimizer) is None
            assert unscaled(optimizer, (1.0, None)) == [1.0, None]
    with policy("mixed_float16"):
        scaled = with_loss_scale(optimizer)
        assert with_loss_scale(scaled) is scaled and float(loss_scale(scaled)) == 2**15
    assert unscaled(scaled, [np.float32(2**16), None]) == [2.0, None]


@pytest.mark.parametrize("method, routing", [
    ("elastic_infogan", "head"), ("elastic_infogan", "shared"), ("elastic_infogan", "contrastive"),
    ("joint_vae", None)])
def test_the_scale_does_not_change_gradients(train, method, routing):
    """A power of two is exact in float32."""
    plain, scaled = (train(make, method=method, routing=routing) for make in (sgd, scaled_sgd))

    for before, one, other in zip(plain[1], plain[2], scaled[2]):
        np.testing.assert_allclose(other - before, one - before, rtol=1e-6, atol=1e-12)
    assert any((one != before).any() for before, one in zip(*plain[1:3]))


@pytest.mark.slow
@pytest.mark.parametrize("method", ["elastic_infogan", "joint_vae"])
def test_float16_is_nearer_to_float32_than_bfloat16(train, method):
    exact, coarse = (train(sgd, precision, method) for precision in ("float32", "mixed_bfloat16"))
    rounded = train(lambda *rates: scaled_sgd(*rates, scale=2.0**10), "mixed_float16", method)

    for name, loss in exact[3].items():
        assert rounded[3][name] == pytest.approx(loss, rel=0.01, abs=0.002)
    updates = [np.concatenate([(after - before).ravel() for before, after in zip(*found[1:3])])
               for found in (exact, rounded, coarse)]
    error, coarser_error = (np.linalg.norm(update - updates[0]) for update in updates[1:])
    assert error < coarser_error and error < 0.1 * np.linalg.norm(updates[0])


@pytest.mark.parametrize("method", ["elastic_infogan", "joint_vae"])
def test_an_overflow_skips_the_update_and_halves_the_scale(train, method):
    model, before, after, losses = train(
        lambda *rates: scaled_sgd(*rates, scale=2.0**60), "mixed_float16", method)

    for start, end in zip(before, after):
        np.testing.assert_array_equal(start, end)
    assert all(np.isfinite(loss) for loss in losses.values()) and int(model.step) == 1
    for optimizer, _ in model.optimizers().values():
        assert float(loss_scale(optimizer)) == 2.0**59 and int(optimizer.iterations) == 1
