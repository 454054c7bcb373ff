# An image that trains: this package from its wheel, and the libraries of CUDA that its TensorFlow names.
#
# The official image of TensorFlow 2.15 has 2.15.0, in which a package that needs 2.15.1 would install a second
# TensorFlow. The context is a directory that holds the wheel; see README.md.
FROM python:3.11-slim
COPY eig_tf-*.whl /wheels/
RUN pip install --no-cache-dir /wheels/eig_tf-*.whl 'tensorflow[and-cuda]==2.15.1'
