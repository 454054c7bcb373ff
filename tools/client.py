"""Call a model server of an export: generate images, find the codes of images, or show what is served.

    python tools/client.py status --address=HOST:8500 --model=mnist
    python tools/client.py generate --address=HOST:8500 --model=mnist --codes=0,3 --output=grid.png
    python tools/client.py generate --address=HOST:8500 --model=faces --categories=0,3 --output=grid.png
    python tools/client.py sample --address=http://HOST:8501 --model=mnist --count=100 --output=images
    python tools/client.py categorize FOLDER --address=HOST:8500 --model=mnist --output=found.csv

The address is HOST:PORT for the gRPC port, and http://HOST:PORT for the REST port, which needs no TensorFlow
here. generate makes a row of images for each code, with the same seeds in every row; with --categories, it
makes a row for each category, whose codes are drawn anew for each image. sample draws codes from the prior.
Both write one PNG file if --output ends in .png, else a directory of PNG files. categorize sends the images
below a folder and writes a table with the code of each image and its probability, and with the category where
the model has categories.
"""

from __future__ import annotations

from pathlib import Path
from typing import Callable

from absl import flags

from eig_tf.cli import command
from eig_tf.errors import UserError
from eig_tf.serving.client import Client, connect

FLAGS = flags.FLAGS

flags.DEFINE_string("address", "localhost:8500", "HOST:PORT for gRPC, http://HOST:PORT for REST")
flags.DEFINE_string("model", None, "name of the model on the server")
flags.DEFINE_integer("version", None, "version of the model; the latest by default", lower_bound=0,
                     upper_bound=2**63 - 1)
flags.DEFINE_float("timeout", 30.0, "seconds for a request including retries", lower_bound=0.001,
                   upper_bound=1e6)
flags.DEFINE_integer("retries", 5, "retries while the server is unavailable", lower_bound=0)
flags.DEFINE_list("codes", None, "generate: codes, such as 0,3,7; all by default")
flags.DEFINE_list("categories", None, "generate: categories, such as 0,3,7, or all, of a model that has "
                  "them")
flags.DEFINE_integer("per_code", 10, "generate: images of each code or category", lower_bound=1)
flags.DEFINE_integer("count", 100, "sample: number of images", lower_bound=1)
flags.DEFINE_integer("seed", 0, "generate, sample: seed of the first image; each further one adds 1")
flags.DEFINE_string("output", None, "generate, sample: PNG file or directory; categorize: CSV file")

_COLUMNS = 10


def show_status(client: Client) -> None:
    """Print the versions that the server knows, and the signatures that it serves."""
    for version in sorted(client.status()):
        print(" ".join(["version", *map(str, version)]).strip())
    signatures = client.metadata()
    width = max(map(len, signatures), default=0)
    for name, signature in sorted(signatures.items()):
        print(f"  {name:<{width}}  {_describe(signature.inputs)} -> {_describe(signature.outputs)}")


def generate_images(client: Client, output: Path) -> None:
    """Write images, a row for each code or each category."""
    from eig_tf.serving.client import image_files
    if FLAGS.categories is not None:
        images, stems = _generate_categories(client)
    else:
        num_codes, = client.signature("prior").outputs["probabilities"].shape
        codes, seeds = _rows(_parse_numbers("codes") or range(num_codes))
        images = client.generate_png(codes, seeds)
        stems = [f"code_{code:04d}_seed_{seed}" for code, seed in zip(codes, seeds)]
    image_files.write_images(images, FLAGS.per_code, stems, output)


def sample_images(client: Client, output: Path) -> None:
    """Write images whose codes are drawn from the prior."""
    from eig_tf.serving.client import image_files
    seeds = range(FLAGS.seed, FLAGS.seed + FLAGS.count)
    # `sample` takes scalars, which a server with batching refuses.
    answer = client.sample_each(list(seeds))
    images = [image_files.encode_png(image) for image in answer["images"]]
    stems = [f"seed_{seed}_code_{code:04d}" for seed, code in zip(seeds, answer["code"])]
    image_files.write_images(images, _COLUMNS, stems, output)


def categorize_images(client: Client, folder: Path, output: Path) -> None:
    """Write the table of a folder's images, and print the number of images of each category or code."""
    from eig_tf.data import names
    from eig_tf.serving.client import image_files
    found = image_files.categorize_folder(client, folder, output)
    for sentence in found.unreadable:
        print(names.printable(f"left out: {sentence}"))
    kind, counts = ("code", found.codes) if found.categories is None else ("category", found.categories)
    print("\n".join(f"{kind} {index:>4}  {count:>9,} images" for index, count in enumerate(counts)))


def main(arguments: list[str]) -> None:
    """Run the verb that the first argument names."""
    verb, *rest = arguments or ["none"]
    verbs: dict[str, tuple[Callable[..., None], Callable[[list[str]], list[Path]]]] = {
        "status": (show_status, _check_nothing), "generate": (generate_images, _check_image_output),
        "sample": (sample_images, _check_image_output),
        "categorize": (categorize_images, _check_folder_and_table)}
    if verb not in verbs:
        raise UserError(f"the first argument is {verb}; expected one of {', '.join(verbs)}")
    if not FLAGS.model:
        raise UserError("--model is missing; expected the name of the model on the server")
    call, check_arguments = verbs[verb]
    checked = check_arguments(rest)
    with connect(FLAGS.address, FLAGS.model, FLAGS.version, FLAGS.timeout, FLAGS.retries) as client:
        call(client, *checked)
    if checked:
        print(f"output  {FLAGS.output}")


def _check_nothing(arguments):
    if arguments:
        raise UserError(f"the arguments end in {' '.join(arguments)}; expected nothing after the first")
    return []


def _check_image_output(arguments):
    _check_nothing(arguments)
    if FLAGS.codes is not None and FLAGS.categories is not None:
        raise UserError("--codes and --categories are given; expected one of them")
    _parse_numbers("codes")
    _parse_categories()
    output = _check_output("a PNG file or a directory")
    is_picture = output.suffix.lower() == ".png"
    if output.is_dir() if is_picture else output.is_file():
        raise UserError(f"--output is {FLAGS.output!r}, which is a {'directory' if is_picture else 'file'}; "
                        "expected a PNG file or a directory")
    return [output]


def _check_folder_and_table(arguments):
    folder = Path(command.single_argument(arguments, "a folder of images after categorize"))
    if not folder.is_dir():
        raise UserError(f"{folder} is no directory; expected a folder of images")
    output = _check_output("a CSV file")
    if output.suffix.lower() != ".csv" or output.is_dir():
        raise UserError(f"--output is {FLAGS.output!r}; expected the name of a file that ends in .csv")
    return [folder, output]


def _check_output(what):
    """Return the path to write to, checked before the server is asked for anything."""
    if not FLAGS.output:
        raise UserError(f"--output is missing; expected {what}")
    output = Path(FLAGS.output)
    command.check_output_place(output, output.parent)
    return output


def _generate_categories(client):
    """Return PNG files, a row for each category, and names for them."""
    outputs = client.signature("prior").outputs
    if "category_probabilities" not in outputs:
        raise UserError(f"--categories is given, but the model {FLAGS.model!r} has no categories; expected "
                        "--codes, or a model that was exported with categories")
    num_categories, = outputs["category_probabilities"].shape
    categories, seeds = _rows(_parse_categories() or range(num_categories))
    answer = client.generate_category_png(categories, seeds)
    stems = [f"category_{category:04d}_seed_{seed}_code_{code:04d}"
             for category, seed, code in zip(categories, seeds, answer["code"])]
    return answer["image_bytes"].tolist(), stems


def _rows(indices):
    """Return each index `--per_code` times, and the seeds of each row."""
    repeated = [index for index in indices for _ in range(FLAGS.per_code)]
    return repeated, [FLAGS.seed + position % FLAGS.per_code for position in range(len(repeated))]


def _parse_categories():
    """Return the categories of the flag; none stands for all."""
    return [] if FLAGS.categories == ["all"] else _parse_numbers("categories", ", or all")


def _parse_numbers(name, alternative=""):
    values = FLAGS[name].value or []
    try:
        return [int(value) for value in values]
    except ValueError:
        raise UserError(f"--{name} is {','.join(values)!r}; expected numbers such as 0,3,7"
                        f"{alternative}") from None


def _describe(infos):
    return ", ".join(f"{name} {info}" for name, info in sorted(infos.items())) or "no input"


if __name__ == "__main__":
    command.run_command(main, __doc__)
