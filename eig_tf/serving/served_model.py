"""What an exported model serves: the networks that it needs, and functions of named tensors."""

from eig_tf.serving.served_generator import ServedGenerator
from eig_tf.serving.served_recognizer import ServedRecognizer


class ServedModel:
    """An `InfoGAN` in inference mode.

    Args:
        model: an `InfoGAN`.
        image_shape: (H, W, channels).
        resize: how encoded images are made square, `crop` or `pad`.
        class_names: K names of the classes that the codes match, empty for those without.
    """

    def __init__(self, model, image_shape, resize, class_names):
        self._model = model
        self._parts = (ServedGenerator(model, image_shape, class_names),
                       ServedRecognizer(model, image_shape, resize))

    def variables(self):
        """The variables that the functions read, by network; D's head is not among them."""
        parts = {**self._model.inference_networks(), "prior": self._model.prior}
        return {name: part.variables for name, part in parts.items()}

    def signatures(self):
        """All functions as `tf.function`s with input signatures, by name; `serving_default` is `generate`."""
        signatures = {name: function for part in self._parts for name, function in part.signatures().items()}
        return {"serving_default": signatures["generate"], **signatures}
