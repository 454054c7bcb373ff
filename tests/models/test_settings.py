"""Settings that change during training: in a traced step, by a callback, within bounds."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from eig_tf.models.infogan import InfoGAN
from eig_tf.models.prior import CodePrior
from eig_tf.networks import dcgan28

SETTINGS = ("information_weight", "continuous_weight", "contrastive_weight", "contrastive_temperature")


def test_a_traced_step_uses_the_new_value(make_model, images, views):
    def built(**settings):
        model = make_model(num_continuous=1, **settings)
        model.compile(*(keras.optimizers.legacy.SGD(rate) for rate in (0.0, 1.0, 0.0)))
        return model

    def update(model, step):
        start = model.get_weights()
        before = [variable.numpy() for variable in model.encoder_variables]
        model.step.assign(0)
        step((images, views))
        change = np.concatenate([(variable - old).numpy().ravel()
                                 for old, variable in zip(before, model.encoder_variables)])
        model.set_weights(start)
        return change
    model = built()
    traced = tf.function(model.train_step)
    unchanged = update(model, traced)
    for name in SETTINGS:
        default = float(getattr(model, name))
        setattr(model, name, 2.0)
        changed = update(model, traced)
        setattr(model, name, default)
        other = built(**{name: 2.0})
        np.testing.assert_allclose(changed, update(other, other.train_step), atol=1e-5)
        assert np.abs(changed - unchanged).max() > 1e-3
    assert traced.experimental_get_tracing_count() == 1


def test_an_assigned_ema_decay_takes_effect_in_a_traced_step(images):
    model = InfoGAN(dcgan28.build_networks(width=0.0625, ema=True), CodePrior(10), ema_decay=0.5)
    model.compile()
    step = tf.function(model.train_step)
    step((images, images))
    average, model.ema_decay = model.ema_generator.get_weights(), 0.0
    step((images, images))
    moved = max(np.abs(new - old).max() for new, old in zip(model.ema_generator.get_weights(), average))
    assert moved > 0
    for new, weights in zip(model.ema_generator.trainable_variables, model.generator.trainable_variables):
        np.testing.assert_allclose(new, weights, atol=1e-6)
    assert step.experimental_get_tracing_count() == 1


def test_an_assigned_gumbel_temperature_takes_effect_in_a_traced_draw(make_model):
    model = make_model()
    sample = tf.function(lambda: tf.reduce_max(model.prior.sample(200, (0, 1)), axis=-1))
    sharp = float(tf.reduce_mean(sample()))
    model.prior.temperature = 50.0
    assert float(tf.reduce_mean(sample())) < 0.2 < 0.9 < sharp


@pytest.mark.parametrize(("name", "value"), [
    ("contrastive_weight", -1), ("contrastive_temperature", 0), ("information_weight", float("nan")),
    ("ema_decay", 1)])
def test_values_out_of_range_are_refused_and_change_nothing(make_model, name, value):
    model = make_model()
    before = float(getattr(model, name))
    with pytest.raises(ValueError, match=f"{name} is .*; expected"):
        setattr(model, name, value)
    assert float(getattr(model, name)) == before


@pytest.mark.parametrize(("name", "value"), [
    ("contrastive_term", None), ("gradient_routing", "shared"), ("information_target", "soft")])
def test_choices_are_fixed_once_the_model_is_built(make_model, name, value):
    with pytest.raises(ValueError, match=f"{name} is fixed when the model is built"):
        setattr(make_model(), name, value)


def test_checkpoints_do_not_hold_settings(make_model, tmp_path):
    path = tf.train.Checkpoint(model=make_model()).save(str(tmp_path / "checkpoint"))
    names = " ".join(name for name, _ in tf.train.list_variables(path))
    assert "trunk" in names and not any(setting in names for setting in SETTINGS)
