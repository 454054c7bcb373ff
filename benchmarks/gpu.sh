#!/bin/sh
# Measures training on one GPU, trains and exports a small run there, and calls it; made for 8 minutes.
#
#     benchmarks/gpu.sh                # writes gpu_benchmark.json
#     benchmarks/gpu.sh OUTPUT.json SECONDS    # measures for so long, 400 seconds when absent
#     benchmarks/gpu.sh --tiny         # small networks, few steps and no XLA, on a CPU where there is no GPU
#
# PYTHON names the interpreter; it has the package's requirements.
set -eu
export TF_CPP_MIN_LOG_LEVEL="${TF_CPP_MIN_LOG_LEVEL:-3}"
cd "$(dirname "$0")/.."
python=${PYTHON:-python}
devices=gpu:0
measured="--steps=20 --repeats=5"
if [ "${1:-}" = --tiny ]; then
    shift
    devices=cpu
    measured="--allow_cpu --noxla --dataset=mnist --width=0.05 --batch_size=8 --steps=1 --repeats=1 --loss_steps=2"
fi
output=${1:-gpu_benchmark.json}
seconds=${2:-400}
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT

# shellcheck disable=SC2086  # Several flags.
"$python" tools/benchmark.py --what=precision $measured --seconds="$seconds" --output="$output"
"$python" -m eig_tf.train --dataset=digits --devices=$devices --config.training.epochs=2 \
    --config.networks.width=0.1 --workdir="$scratch/run"
"$python" - "$scratch/run/export/digits/1" <<'CALL'
import sys

import tensorflow as tf

generate = tf.saved_model.load(sys.argv[1]).signatures["generate"]
images = generate(code=tf.constant([0, 1, 2]), seed=tf.constant([7, 7, 7], tf.int64))["images"]
tf.debugging.assert_all_finite(images, "expected finite images")
print(f"the export generates images of shape {images.shape} on {images.device}")
CALL
