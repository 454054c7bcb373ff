"""A SavedModel in the kind of session that TensorFlow Serving has: its start-up, and calls of signatures."""

import tensorflow as tf


class ServingSession:
    """A loaded SavedModel whose signatures are called with arrays.

    `tf.saved_model.load` calls a signature as a function; a server runs the tensors behind it in a session,
    which prepares a graph for each set of tensors that are fed and fetched when that set is first run.

    Args:
        version_dir: the directory of the SavedModel.

    Raises:
        OSError: it has none.
    """

    def __init__(self, version_dir):
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        with self._session.graph.as_default():
            self._definitions = tf.compat.v1.saved_model.load(
                self._session, [tf.saved_model.SERVING], str(version_dir)).signature_def

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._session.close()

    def signature(self, name):
        """A function that calls a signature.

        Args:
            name: the signature's.

        Returns:
            A function from a dict of arrays by name to a list of arrays, outputs in alphabetical order.
        """
        definition = self._definitions[name]
        fed = sorted(definition.inputs)
        run = self._session.make_callable(
            [definition.outputs[output].name for output in sorted(definition.outputs)],
            [definition.inputs[key].name for key in fed])
        return lambda inputs: run(*(inputs[key] for key in fed))
