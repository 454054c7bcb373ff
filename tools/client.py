"""Calls a model server that serves an export: generates images, sorts images, or says what is served.

    python tools/client.py status --address=HOST:8500 --model=mnist
    python tools/client.py generate --address=HOST:8500 --model=mnist --codes=0,3 --output=grid.png
    python tools/client.py sample --address=http://HOST:8501 --model=mnist --count=100 --output=images
    python tools/client.py categorize FOLDER --address=HOST:8500 --model=mnist --output=found.csv

The address of the gRPC port is HOST:PORT, that of the REST port http://HOST:PORT; the latter needs no
TensorFlow here. generate draws a row a code, with the same seeds in every row; sample draws codes from the
learned prior. Both write one PNG where --output ends in .png, else a directory of PNG files. categorize
sends the image files below a folder and writes a table with the code (category) and its probability.
"""

from pathlib import Path

from absl import flags

from eig_tf.cli import command
from eig_tf.errors import UserError

FLAGS = flags.FLAGS

flags.DEFINE_string("address", "localhost:8500", "HOST:PORT for gRPC, http://HOST:PORT for REST")
flags.DEFINE_string("model", None, "name of the model, as the server was given it")
flags.DEFINE_integer("version", None, "version of the model; the latest when absent", lower_bound=0,
                     upper_bound=2**63 - 1)
flags.DEFINE_float("timeout", 30.0, "seconds for a request, further tries included", lower_bound=0.001,
                   upper_bound=1e6)
flags.DEFINE_integer("retries", 5, "further tries while the server is not available", lower_bound=0)
flags.DEFINE_list("codes", None, "generate: codes, such as 0,3,7; all when absent")
flags.DEFINE_integer("per_code", 10, "generate: images of each code", lower_bound=1)
flags.DEFINE_integer("count", 100, "sample: number of images", lower_bound=1)
flags.DEFINE_integer("seed", 0, "generate, sample: seed of the first image; the others' count on from it")
flags.DEFINE_string("output", None, "generate, sample: PNG file or directory; categorize: CSV file")

_COLUMNS = 10


def status(client):
    """Prints the versions that the server knows, and the signatures that it serves."""
    for version in sorted(client.status()):
        print(" ".join(["version", *map(str, version)]).strip())
    signatures = client.metadata()
    width = max(map(len, signatures), default=0)
    for name, signature in sorted(signatures.items()):
        print(f"  {name:<{width}}  {_tensors(signature.inputs)} -> {_tensors(signature.outputs)}")


def generate(client, output):
    """Writes images of codes, a row a code."""
    from eig_tf.serving.client.model_client import image_files
    inputs = client.signature("generate_png").inputs
    num_codes, = client.signature("prior").outputs["probabilities"].shape
    codes = [code for code in _codes() or range(num_codes) for _ in range(FLAGS.per_code)]
    seeds = [FLAGS.seed + index % FLAGS.per_code for index in range(len(codes))]
    # The middle of each continuous code.
    continuous = [[0.0] * inputs["continuous"].shape[1]] * len(codes) if "continuous" in inputs else None
    images = client.generate_png(codes, seeds, continuous)
    stems = [f"code_{code:04d}_seed_{seed}" for code, seed in zip(codes, seeds)]
    image_files.write_images(images, FLAGS.per_code, stems, output)


def sample(client, output):
    """Writes images whose codes are drawn from the prior."""
    from eig_tf.serving.client.model_client import image_files
    seeds = range(FLAGS.seed, FLAGS.seed + FLAGS.count)
    # `sample` itself takes scalars, which a server that batches requests refuses.
    answer = client.sample_each(list(seeds))
    images = [image_files.to_png(image) for image in answer["images"]]
    stems = [f"seed_{seed}_code_{code:04d}" for seed, code in zip(seeds, answer["code"])]
    image_files.write_images(images, _COLUMNS, stems, output)


def categorize(client, folder, output):
    """Writes a table of the images of a folder, and prints how many there are of each code."""
    from eig_tf.data import names
    from eig_tf.serving.client.model_client import image_files
    counts, unreadable = image_files.categorize_folder(client, folder, output)
    for sentence in unreadable:
        print(names.printable(f"left out: {sentence}"))
    print("\n".join(f"code {code:>4}  {count:>9,} images" for code, count in enumerate(counts)))


def main(arguments):
    """Does what the first argument says."""
    verb, *rest = arguments or ["none"]
    verbs = {"status": (status, _nothing), "generate": (generate, _place_of_images),
             "sample": (sample, _place_of_images), "categorize": (categorize, _folder_and_table)}
    if verb not in verbs:
        raise UserError(f"the first argument is {verb}; expected one of {', '.join(verbs)}")
    if not FLAGS.model:
        raise UserError("--model is absent; expected the name that the server was given for the model")
    call, check = verbs[verb]
    given = check(rest)
    from eig_tf.serving.client.model_client.model_client import connect
    with connect(FLAGS.address, FLAGS.model, FLAGS.version, FLAGS.timeout, FLAGS.retries) as client:
        call(client, *given)
    if given:
        print(f"output  {FLAGS.output}")


def _nothing(arguments):
    if arguments:
        raise UserError(f"the arguments end in {' '.join(arguments)}; expected nothing after the first")
    return []


def _place_of_images(arguments):
    _nothing(arguments)
    _codes()
    output = _output("a PNG file or a directory")
    picture = output.suffix.lower() == ".png"
    if output.is_dir() if picture else output.is_file():
        raise UserError(f"--output is {FLAGS.output!r}, which is a {'directory' if picture else 'file'}; "
                        "expected a PNG file or a directory")
    return [output]


def _folder_and_table(arguments):
    folder = Path(command.single_argument(arguments, "a folder of images after categorize"))
    if not folder.is_dir():
        raise UserError(f"{folder} is no directory; expected a folder of images")
    output = _output("a CSV file")
    if output.suffix.lower() != ".csv" or output.is_dir():
        raise UserError(f"--output is {FLAGS.output!r}; expected the name of a file that ends in .csv")
    return [folder, output]


def _output(what):
    """The place to write to, looked at before anything is asked of the server."""
    if not FLAGS.output:
        raise UserError(f"--output is absent; expected {what}")
    output = Path(FLAGS.output)
    command.check_place(output, output.parent)
    return output


def _codes():
    try:
        return [int(code) for code in FLAGS.codes or []]
    except ValueError:
        raise UserError(f"--codes is {','.join(FLAGS.codes)!r}; expected numbers such as 0,3,7") from None


def _tensors(infos):
    return ", ".join(f"{name} {info}" for name, info in sorted(infos.items())) or "no input"


if __name__ == "__main__":
    command.run(main, __doc__)
