"""Settings that change during training: in a traced step, by a callback, within bounds."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

SETTINGS = ("information_weight", "continuous_weight", "contrastive_weight", "contrastive_temperature")


@pytest.mark.parametrize("name", SETTINGS)
def test_a_traced_step_uses_the_new_value(make_model, images, views, name):
    def update(start, assigned):
        model = make_model(num_continuous=1, **{name: start})
        model.compile(*(keras.optimizers.legacy.SGD(rate) for rate in (0.0, 1.0, 0.0)))
        before = [variable.numpy() for variable in model.encoder_variables]
        step = tf.function(model.train_step)
        step.get_concrete_function((images, views))
        if assigned is not None:
            setattr(model, name, assigned)
        step((images, views))
        return np.concatenate([(variable - old).numpy().ravel()
                               for old, variable in zip(before, model.encoder_variables)])
    changed, expected, unchanged = update(1.0, 2.0), update(2.0, None), update(1.0, None)
    np.testing.assert_allclose(changed, expected, atol=1e-5)
    assert np.abs(changed - unchanged).max() > 1e-3


def test_ema_decay_and_gumbel_temperature_take_effect_too(make_model):
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
