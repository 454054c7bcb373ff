"""A client of model servers that serve an export; it needs TensorFlow for gRPC only."""

from eig_tf.serving.client.model_client import Client, connect
from eig_tf.serving.client.protocol import ServingError

__all__ = ["Client", "ServingError", "connect"]
