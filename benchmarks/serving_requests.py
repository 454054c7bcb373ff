"""Requests to measure the signatures of an exported model with."""

import numpy as np
import tensorflow as tf

# `prior` has no rows, `serving_default` does what `generate` does.
GENERATOR = ("generate", "generate_png", "generate_from_code", "sample", "sample_each")
RECOGNIZER = ("categorize", "categorize_bytes", "embed")


def make(model, size):
    """Makes a request of every signature of `GENERATOR` and `RECOGNIZER`.

    Codes take turns, noise and continuous codes are drawn as in training, images are what the model makes of
    them; encoded ones are PNG of the model's own size.

    Args:
        model: an `InfoGAN`.
        size: rows of each request.

    Returns:
        By signature, a dict of NumPy arrays by the name of the input, in the order in which the function
        takes them; see `serving.ServedModel`.
    """
    num_codes = model.num_codes
    code = np.arange(size, dtype=np.int32) % num_codes
    seed = np.arange(size, dtype=np.int64)
    latents = model.sample_latents(size, [0, 0], tf.one_hot(code, num_codes))
    images = ((model(latents) + 1.0) / 2.0).numpy()
    pixels = np.rint(images * 255).astype(np.uint8)
    files = np.array([tf.io.encode_png(image).numpy() for image in pixels], dtype=object)
    continuous = {"continuous": latents.continuous.numpy()} if model.num_continuous else {}
    rows = {"code": code, "seed": seed, **continuous}
    return {
        "generate": rows,
        "generate_png": rows,
        "generate_from_code": {"code": latents.code.numpy(), "noise": latents.noise.numpy(), **continuous},
        "sample": {"count": np.array(size, np.int32), "seed": np.array(0, np.int64)},
        "sample_each": {"seed": seed},
        "categorize": {"images": images},
        "categorize_bytes": {"image_bytes": files},
        "embed": {"images": images},
    }


def first_rows(request, size):
    """The inputs of one signature, see `make`, with its first `size` rows alone."""
    def cut(name, value):
        if name == "count":
            return np.array(size, value.dtype)
        return value[:size] if value.ndim else value
    return {name: cut(name, value) for name, value in request.items()}
