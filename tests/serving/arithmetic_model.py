"""A SavedModel with the signatures of an export whose answers can be computed by hand."""

import tensorflow as tf

NUM_CODES = 4
SIZE = 2


def save(path, offset=0.0, categories=False):
    """Write the model: images of the code k are grey of k / 4, and are assigned to the code k.

    Args:
        path: of the SavedModel.
        offset: a number that `embed` adds, to distinguish versions.
        categories: whether the codes 0 and 1 are of category 0, and 2 and 3 of category 1.
    """
    module = tf.Module()
    tf.saved_model.save(module, str(path), signatures=_signatures(offset, categories))


def _signatures(offset, categories):
    codes, seeds = tf.TensorSpec([None], tf.int32, "code"), tf.TensorSpec([None], tf.int64, "seed")
    images = tf.TensorSpec([None, SIZE, SIZE, 1], tf.float32, "images")
    functions = {
        "generate": (_generate, codes, seeds),
        "generate_png": (_generate_png, codes, seeds),
        "sample": (_sample, tf.TensorSpec([], tf.int32, "count"), tf.TensorSpec([], tf.int64, "seed")),
        "sample_each": (_sample_each, seeds),
        "categorize": (_categorize, images),
        "categorize_bytes": (_categorize_bytes, tf.TensorSpec([None], tf.string, "image_bytes")),
        "embed": (lambda images: {"feature": tf.reduce_sum(images, [1, 2]) + offset}, images),
        "prior": (_prior,),
        "burn": (_burn, tf.TensorSpec([None], tf.int32, "steps")),
    }
    if categories:
        category = tf.TensorSpec([None], tf.int32, "category")
        functions.update(
            generate_category_png=(_generate_category_png, category, seeds),
            categorize_bytes=(lambda image_bytes: _with_categories(_categorize_bytes(image_bytes)),
                              tf.TensorSpec([None], tf.string, "image_bytes")),
            prior=(lambda: {**_prior(), "category_probabilities": tf.constant([0.3, 0.7])},))
    signatures = {name: tf.function(function, input_signature=specs)
                  for name, (function, *specs) in functions.items()}
    return {**signatures, "serving_default": signatures["generate"]}


def _generate(code, seed):
    tf.debugging.Assert(
        tf.reduce_all((code >= 0) & (code < NUM_CODES)),
        [tf.strings.format("code ranges from {} to {}; expected numbers from 0 to 3",
                           [tf.reduce_min(code), tf.reduce_max(code)])])
    grey = tf.cast(code, tf.float32) / NUM_CODES + 0.0 * tf.cast(seed, tf.float32)
    return {"images": tf.tile(grey[:, None, None, None], [1, SIZE, SIZE, 1])}


def _generate_png(code, seed):
    images = tf.cast(tf.round(_generate(code, seed)["images"] * 255), tf.uint8)
    return {"image_bytes": tf.map_fn(tf.io.encode_png, images, fn_output_signature=tf.string)}


def _generate_category_png(category, seed):
    """The code of an even seed is the first of the category, that of an odd seed the second."""
    code = 2 * category + tf.cast(seed % 2, tf.int32)
    return {**_generate_png(code, seed), "code": code}


def _with_categories(found):
    probabilities = tf.reduce_sum(tf.reshape(found["probabilities"], [-1, 2, 2]), axis=-1)
    return {**found, "category": found["code"] // 2, "category_probabilities": probabilities,
            "category_confidence": tf.reduce_max(probabilities, axis=-1)}


def _sample(count, seed):
    return _sample_each(seed + tf.range(tf.cast(count, tf.int64)))


def _sample_each(seed):
    code = tf.cast(seed % NUM_CODES, tf.int32)
    return {**_generate(code, seed), "code": code}


def _categorize(images):
    code = tf.cast(tf.round(tf.reduce_mean(images, [1, 2, 3]) * NUM_CODES), tf.int32)
    probabilities = 0.7 * tf.one_hot(code, NUM_CODES) + 0.3 / NUM_CODES
    return {"probabilities": probabilities, "code": code, "confidence": tf.reduce_max(probabilities, axis=-1)}


def _categorize_bytes(image_bytes):
    def grey(content):
        image = tf.io.decode_image(content, channels=1, expand_animations=False)
        return tf.reduce_mean(tf.cast(image, tf.float32)) / 255
    means = tf.map_fn(grey, image_bytes, fn_output_signature=tf.float32)
    return _categorize(tf.tile(means[:, None, None, None], [1, SIZE, SIZE, 1]))


def _prior():
    return {"probabilities": tf.constant([0.1, 0.2, 0.3, 0.4]),
            "class_name": tf.constant(["a", "b", "", "ö"])}


def _burn(steps):
    """Print a line, then compute for about a millisecond a step; `number` is the number of steps."""
    tf.print("burning")
    matrix = tf.eye(256)
    most = tf.reduce_max(steps)
    _, matrix = tf.while_loop(lambda step, _: step < most,
                              lambda step, matrix: (step + 1, tf.matmul(matrix, matrix)), [0, matrix])
    return {"number": steps + tf.cast(0 * matrix[0, 1], tf.int32)}
