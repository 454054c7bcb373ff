"""Shapes are checked at run time, where a server has not looked at them."""

import numpy as np
import pytest
import tensorflow as tf

from eig_tf.serving import checks
from eig_tf.serving.signatures import as_signature


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    """A SavedModel whose one signature adds up images [N, 2, 2, 1] and takes a scalar."""
    def total(images, factor):
        return {"total": factor * tf.reduce_sum(images, axis=[1, 2, 3])}
    path = tmp_path_factory.mktemp("model")
    root = tf.Module()
    root.total = as_signature(total, tf.TensorSpec([None, 2, 2, 1], tf.float32, name="images"),
                              tf.TensorSpec([], tf.float32, name="factor"))
    tf.saved_model.save(root, str(path), signatures={"serving_default": root.total})
    return path


@pytest.fixture(scope="module")
def run(version):
    """Feeds a session by tensor names, as a server does: nothing but the graph looks at the values."""
    session = tf.compat.v1.Session(graph=tf.Graph())
    with session.graph.as_default():
        meta_graph = tf.compat.v1.saved_model.load(session, ["serve"], str(version))
        definition = meta_graph.signature_def["serving_default"]
        # Python's own check of what is fed goes by the placeholder's shape.
        fed = {name: tf.compat.v1.placeholder(info.dtype) for name, info in definition.inputs.items()}
        (outputs,) = tf.import_graph_def(
            session.graph.as_graph_def(), {info.name: fed[name] for name, info in definition.inputs.items()},
            [definition.outputs["total"].name])
        session.run(tf.compat.v1.global_variables_initializer())

    def call(**inputs):
        return session.run(outputs, {fed[name]: value for name, value in inputs.items()})
    yield call
    session.close()


def test_the_right_shape_passes(run):
    np.testing.assert_array_equal(run(images=np.ones([3, 2, 2, 1]), factor=0.5), [2, 2, 2])


@pytest.mark.parametrize(("images", "factor", "sentence"), [
    ([3, 2, 3, 1], 1.0, r"images has shape \[3 2 3 1\]; expected \[N 2 2 1\]"),
    ([4, 1, 1, 1], 1.0, r"images has shape \[4 1 1 1\]; expected \[N 2 2 1\]"),
    ([2, 2, 1], 1.0, r"images has shape \[2 2 1\]; expected \[N 2 2 1\]"),
    ([], 1.0, r"images has shape \[\]; expected \[N 2 2 1\]"),
    ([1, 2, 2, 1], [1.0], r"factor has shape \[1\]; expected \[\]"),
])
def test_other_shapes_are_refused_in_a_sentence(run, images, factor, sentence):
    with pytest.raises(tf.errors.InvalidArgumentError, match=sentence):
        run(images=np.ones(images), factor=factor)


@pytest.mark.parametrize(("side", "rows"), [(28, 1024), (32, 1024), (64, 256), (128, 64), (2000, 1)])
def test_larger_images_come_in_smaller_batches(side, rows):
    assert checks.max_rows((side, side, 3)) == rows
