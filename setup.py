"""Packaging of eig_tf. The pinned stack is the last in which all its packages work together."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (ROOT / "eig_tf" / "__init__.py").read_text(encoding="utf-8"))[1]
# What tools/render_shapenet.py needs.
RENDER = ["vtk>=9.4", "pebble>=5"]
# What warm-up requests and the client of a model server need.
SERVING = ["tensorflow-serving-api==2.15.1", "grpcio", "requests"]
# What tools/sweep.py needs.
SWEEP = ["pyyaml", "ray"]
# What the tests and the checks of a change need.
TEST = ["hypothesis", "mypy", "pre-commit", "pytest", "pytest-xdist>=3.8", "ruff", "selenium"]
# Presets and tools are at the top level; a wheel carries them inside the package.
INSIDE_PACKAGE = {"eig_tf.configs": "configs", "eig_tf.tools": "tools"}

setup(
    name="eig_tf",
    version=VERSION,
    description="Elastic-InfoGAN (NeurIPS 2020) in TensorFlow and Keras",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.9,<3.12",
    packages=find_packages(include=["eig_tf", "eig_tf.*"]) + list(INSIDE_PACKAGE),
    package_dir=INSIDE_PACKAGE,
    package_data={"eig_tf.data": ["*.json"], "eig_tf.evaluation": ["*.json"],
                  "eig_tf.reports": ["templates/*"], "eig_tf.reproduction": ["*.json"],
                  "eig_tf.configs": ["sweeps/*.yaml"]},
    install_requires=[
        "tensorflow==2.15.1",
        "keras==2.15.0",
        "tensorflow-probability==0.23.0",
        "tensorflow-addons==0.23.0",
        "numpy<2",
        "scikit-learn",
        "scipy",
        "absl-py",
        "filelock",
        "ml_collections",
        "h5py",
        "jinja2",
        "matplotlib>=3.7",
        "pillow",
        "threadpoolctl>=3",
    ],
    extras_require={"render": RENDER, "serving": SERVING, "sweep": SWEEP,
                    "test": [*TEST, *RENDER, *SERVING, *SWEEP]},
)
