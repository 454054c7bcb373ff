"""Change a setting during training with a Keras callback: tau' follows a cosine between 1 and 0.2."""

import math

from tensorflow import keras

from eig_tf import build_model, compile_model, load_preset, make_view_function, training_batches
from eig_tf.data.loaders import digits

EPOCHS = 20


class CosineTemperature(keras.callbacks.Callback):
    """Set the contrastive temperature at the beginning of every epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        """Assign the value of the epoch; the traced training step uses it at once."""
        self.model.contrastive_temperature = 0.6 + 0.4 * math.cos(math.pi * epoch / EPOCHS)


config = load_preset("digits")
images = digits.load_images().images
model = build_model(config)
compile_model(model, config)
batches = training_batches(images, config.training.batch_size, config.seed, EPOCHS,
                           make_view=make_view_function(config))
model.fit(batches, epochs=EPOCHS, steps_per_epoch=len(images) // config.training.batch_size, verbose=2,
          callbacks=[CosineTemperature()])
print("temperature at the end:", float(model.contrastive_temperature))
