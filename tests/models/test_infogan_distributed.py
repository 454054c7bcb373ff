"""Training on two devices: two virtual CPUs under MirroredStrategy."""

import pytest

SCRIPT = """
import numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from eig_tf.data import augment, pipeline
from eig_tf.models.infogan import InfoGAN
from eig_tf.models.prior import CodePrior
from eig_tf.networks import dcgan28
from eig_tf.networks.categorizer import build_categorizer

tf.keras.mixed_precision.set_global_policy("mixed_float16")
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    model = InfoGAN(dcgan28.build_networks(width=0.1, ema=True, category_heads=True), CodePrior(10),
                    gradient_routing="contrastive", ema_decay=0.5, guidance_weight=1.0)
    model.compile(steps_per_execution=2)
images = np.random.default_rng(0).integers(0, 256, [64, 28, 28, 1], dtype=np.uint8)
batches = pipeline.training_batches(images, 16, seed=0, epochs=1, make_view=augment.positive_view)
history = model.fit(batches, epochs=1, steps_per_epoch=4, verbose=0).history
assert all(np.isfinite(losses).all() for losses in history.values()), history
# Losses are means: D's starts near 2 ln 2 on any number of devices.
assert abs(history["d_loss"][0] - 2 * np.log(2)) < 0.3, history
# Categories are found outside the strategy.
model.follow_categories(build_categorizer((28, 28, 1), 3), np.arange(10) % 3, {"rotation": 5.0})
guided = model.fit(batches, epochs=1, steps_per_epoch=4, verbose=0).history
assert history["category_loss"] == [0.0] and abs(guided["category_loss"][0] - np.log(3)) < 0.5, guided
for variable in model.trainable_variables:
    first, second = strategy.experimental_local_results(variable)
    np.testing.assert_array_equal(first.numpy(), second.numpy())
for average, current in zip(model.ema_generator.trainable_variables, model.generator.trainable_variables):
    assert 0 < np.abs(average.numpy() - current.numpy()).max() < 0.01
assert model.generator_optimizer.iterations.numpy() == 8
assert np.ptp(model.prior.probabilities.numpy()) > 0
print("done")
"""


@pytest.mark.slow
def test_two_devices_train_one_model_several_steps_at_once(command):
    result = command("-c", SCRIPT)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip().endswith("done")
