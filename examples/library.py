"""Train Elastic-InfoGAN from the library, without a run directory."""

from eig_tf import CodePrior, InfoGAN, build_networks, training_batches
from eig_tf.data.augment import positive_view
from eig_tf.data.loaders import digits

images = digits.load_images().images
batches = training_batches(images, batch_size=64, seed=0, epochs=20, make_view=positive_view)
model = InfoGAN(build_networks("dcgan28", num_codes=10, width=0.25), CodePrior(num_codes=10))
model.compile()
model.fit(batches, epochs=20, steps_per_epoch=len(images) // 64, verbose=2)
print("learned distribution:", model.prior.probabilities.numpy().round(3))
