"""The flags of the classifier that judges generated images, shared by the commands that use it."""

from absl import flags

flags.DEFINE_enum("classifier", None, ["small_cnn", "resnet50"], "architecture of the classifier that judges "
                  "generated images; when absent, small_cnn for 28x28 images and --preset=cpu, else resnet50")
flags.DEFINE_string("pretrained_weights", None, "file of Keras weights that the ResNet-50 starts from, of "
                    "ImageNet or VGGFace2 for example; .h5, .weights.h5 or .keras")
