"""Train on your own arrays and sort them by category."""

import numpy as np
from sklearn.datasets import load_digits

from eig_tf import build_model, compile_model, load_preset, make_view_function, training_batches

# Any uint8 images [N, H, W, C] of 28, 32, 64 or 128 pixels; here 28x28x1.
images = np.kron(load_digits().images, np.ones([1, 3, 3])).astype(np.uint8) * 15
images = np.pad(images, [(0, 0), (2, 2), (2, 2)])[..., np.newaxis]

config = load_preset("digits")
config.networks.num_codes = 12
config.training.epochs = 20
model = build_model(config)
compile_model(model, config)
batches = training_batches(images, config.training.batch_size, config.seed, config.training.epochs,
                           make_view=make_view_function(config))
model.fit(batches, epochs=config.training.epochs, steps_per_epoch=len(images) // config.training.batch_size,
          verbose=2)
codes = np.argmax(model.encode(images[:500] / np.float32(127.5) - 1).code_logits, axis=-1)
print("images of each code:", np.bincount(codes, minlength=12))
