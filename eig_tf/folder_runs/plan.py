"""The plan of a run on a folder of images: what is trained, for how long, and why."""

from __future__ import annotations

import contextlib
import io
import json
import math
import time
from collections.abc import Container, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from ml_collections import config_dict
from PIL import Image

from eig_tf import config as config_lib
from eig_tf import files
from eig_tf.categories.categorizer import ROUNDS, average_down, train_categorizer
from eig_tf.categories.discovery import MAX_PARTITIONED, PASSES
from eig_tf.data import pictures, prepared, registry
from eig_tf.data.advice import DIFFERENT_LIGHT, differ_in_light, image_sizes
from eig_tf.data.image_set import ImageSet
from eig_tf.errors import UserError
from eig_tf.runs.hosts import make_hosts
from eig_tf.runs.step_timing import StepTime, measure_step

METHOD = "agglomerative_infogan"
_LEAST_IMAGES, _FEW_IMAGES = 40, 1000
# Numbers of categories that set the number of codes, three for each, when the images choose their number.
_FEW_CATEGORIES, _MANY_CATEGORIES = 10, 20
# The fewest steps that justify the larger of two image sizes, and those that justify any training.
_ENOUGH_STEPS, _LEAST_STEPS = 1000, 100
# With a twentieth of the categorizer's steps, most categories were left empty.
_LEAST_EPOCHS, _LEAST_CATEGORIZER_PART = 10, 0.25
# A step of the encoder has two views of 256 images, one of the categorizer a weaker view of 128; measured.
_CONTRASTIVE_FACTOR = 5
# Share of the time for the categorizer at most; seconds for other work, and by image for the partitions.
_CATEGORIZER_SHARE, _OTHER_SECONDS, _SECONDS_PER_IMAGE = 0.4, 25, 0.02
_SAMPLED_FILES, _SAMPLED_IMAGES, _MEASURED_STEPS, _MEASURED_IMAGES = 100, 2000, 3, 200


class Request(NamedTuple):
    """What a user asks for.

    Attributes:
        folder: the folder of images.
        minutes: the time for everything.
        preset: `paper` or `cpu`; by the devices when None.
        fields: the values of fields that are given, by name.
    """

    folder: str
    minutes: float
    preset: str | None
    fields: Mapping[str, Any]

    def flags(self) -> dict[str, Any]:
        """Return the values by flag, for a comparison with those of an earlier start."""
        fields = {config_lib.flag(name): value for name, value in self.fields.items()}
        return {"FOLDER": str(Path(self.folder).absolute()), "--minutes": self.minutes,
                "--preset": self.preset, **fields}


class Plan(NamedTuple):
    """What is trained, and why.

    Attributes:
        flags: what was asked for, see `Request.flags`.
        config: the config of the run, as a dict.
        reasons: sentences.
    """

    flags: dict[str, Any]
    config: dict[str, Any]
    reasons: list[str]


class Budget(NamedTuple):
    """How the time is spent.

    Attributes:
        epochs: of the training.
        categorizer_steps: see the field of that name.
        contrastive_steps: see the field of that name.
        least_seconds: the time of the shortest useful training.
    """

    epochs: int
    categorizer_steps: int
    contrastive_steps: int
    least_seconds: float


def make_plan(request: Request, cache_dir: str, devices: str | None = None) -> Plan:
    """Choose what the request leaves open; steps are measured on this machine, for some seconds.

    Raises:
        UserError: the folder cannot be trained on, there are no such devices, or the time is too short.
    """
    started = time.monotonic()
    make_hosts(devices)
    on_gpu = bool(tf.config.get_visible_devices("GPU"))
    preset = request.preset or ("paper" if on_gpu else "cpu")
    machine = "a GPU" if on_gpu else "no GPU"
    reasons = [f"--preset={preset}: " + ("given" if request.preset else f"there is {machine}")]
    config = config_of_fields(request, preset)
    image_set = registry.load(config, request.folder, cache_dir)
    num_images = len(image_set.images)
    sample = np.unique(np.linspace(0, num_images - 1, _SAMPLED_IMAGES).astype(int))
    different_light = differ_in_light(image_set.images[sample])
    sizes, why = [config.data.image_size], "given"
    if "data.image_size" not in request.fields:
        side = median_side(request.folder, config, image_set)
        sizes, why = image_sizes(side, on_gpu), f"the median of the images' shorter sides is {side} pixels"
    for size in sizes:
        config = config_of_size(request, preset, size, num_images, different_light)
        print(f"measures training steps at {size}x{size} pixels", flush=True)
        step = _quietly_measured_step(config, request.folder, cache_dir, devices)
        left = 60 * request.minutes - (time.monotonic() - started)
        if (1 - _CATEGORIZER_SHARE) * left / step.seconds >= _ENOUGH_STEPS:
            break
        if size != sizes[-1]:
            why = f"{request.minutes:g} minutes are not enough for {_ENOUGH_STEPS:,} steps at more pixels"
    reasons.append(f"--image_size={size}: {why}")
    print("measures steps of the categorizer", flush=True)
    image_set = registry.load(config, request.folder, cache_dir)
    categorizer_step = measure_categorizer_step(image_set, config)
    spent = time.monotonic() - started
    budget = divide_time(60 * request.minutes - spent, step, categorizer_step, num_images, config,
                         request.fields)
    if budget.least_seconds > 60 * request.minutes - spent and "training.epochs" not in request.fields:
        needed = (budget.least_seconds + spent) / 60
        raise UserError(f"--minutes is {request.minutes:g}; expected at least {needed:.1f} for "
                        f"{num_images} images of {size}x{size} on this machine")
    chosen = {"training.epochs": budget.epochs, "categories.categorizer_steps": budget.categorizer_steps,
              "categories.contrastive_steps": budget.contrastive_steps}
    config.update_from_flattened_dict({
        name: value for name, value in chosen.items() if name not in request.fields})
    config_lib.validate(config)
    return Plan(request.flags(), config.to_dict(), [
        *reasons, *explain_config(config, request.fields, step, categorizer_step)])


def _quietly_measured_step(config, folder, cache_dir, devices):
    """A training prints its config, which the plan does in fewer words."""
    with contextlib.redirect_stdout(io.StringIO()):
        return measure_step(config, folder, cache_dir, devices)


def median_side(folder: str, config: config_dict.ConfigDict, image_set: ImageSet) -> int:
    """Return the median of the shorter sides of some images of a folder, list or archive, in pixels.

    Where there are no files, but a prepared set, it is the side of the decoded images.

    Args:
        folder: of the images.
        config: of a run on them.
        image_set: the decoded images.
    """
    place = registry.find_directory("folder", folder)
    if prepared.is_prepared(place):
        return image_set.image_shape[0]
    listing = registry.find_loader("folder").list_files(place, config)
    taken = set(np.linspace(0, len(listing.entries) - 1, _SAMPLED_FILES).astype(int).tolist())
    files = (listing.directory / entry.name for entry in listing.entries)
    sides = []
    for index, file in enumerate(listing.contents() if listing.contents else files):
        # A damaged file of an archive is `Unreadable` instead of its content.
        if index in taken and not isinstance(file, pictures.Unreadable):
            with contextlib.suppress(OSError), \
                    Image.open(io.BytesIO(file) if isinstance(file, bytes) else file) as image:
                sides.append(min(image.size))
    return int(np.median(sides)) if sides else image_set.image_shape[0]


def config_of_fields(request: Request, preset: str, chosen: Mapping[str, Any] = MappingProxyType({})
                     ) -> config_dict.ConfigDict:
    """Return the config of a request, with chosen values of fields that it leaves open.

    Without a number of categories, the images choose it.

    Raises:
        UserError: a field is out of bounds.
    """
    fields = {**chosen, **request.fields}
    if "categories.num_categories" not in request.fields:
        number = chosen.get("categories.num_categories", _FEW_CATEGORIES)
        fields["categories.choose_number"] = True
        fields["categories.num_categories"] = min(number, request.fields.get("networks.num_codes", number))
    return config_lib.config_from_fields("folder", preset, METHOD, fields)


def config_of_size(request: Request, preset: str, size: int, num_images: int,
                   different_light: bool = False) -> config_dict.ConfigDict:
    """Return the config for images of a size, with everything that does not depend on the time.

    In different light, see `advice.differ_in_light`, their contrast is stretched and features ignore colours.

    Raises:
        UserError: there are too few images, or a field is out of bounds.
    """
    if num_images < _LEAST_IMAGES:
        raise UserError(f"{request.folder} holds {num_images} images; expected at least {_LEAST_IMAGES}")
    fields: dict[str, Any] = {"data.image_size": size, "data.stretch_contrast": different_light}
    base = config_of_fields(request, preset, fields)
    fields["categories.ignore_colours"] = different_light and base.data.channels == 3
    fields["training.batch_size"] = min(base.training.batch_size, num_images // 4)
    if preset == "cpu" and size < 64:
        # The preset's 8 pixels are those of 64.
        fields["discriminator_augment.shift"] = base.discriminator_augment.shift * size // 64
    fields["categories.num_categories"] = _FEW_CATEGORIES if num_images < _FEW_IMAGES else _MANY_CATEGORIES
    return config_of_fields(request, preset, fields)


def measure_categorizer_step(image_set: ImageSet, config: config_dict.ConfigDict) -> float:
    """Return the seconds of a step of the categorizer, measured on some images with arbitrary groups."""
    images = average_down(image_set.images[np.arange(min(len(image_set.images), _MEASURED_IMAGES))])
    num_categories = config.categories.num_categories
    rounds: list[float] = []
    train_categorizer(images, np.arange(len(images)), np.arange(len(images)) % num_categories, num_categories,
                      dict(config.augment), config.seed, _MEASURED_STEPS,
                      lambda _: rounds.append(time.perf_counter()))
    # The first round traces the graph.
    return (rounds[-1] - rounds[0]) / ((len(rounds) - 1) * _MEASURED_STEPS)


def divide_time(seconds: float, step: StepTime, categorizer_step: float, num_images: int,
                config: config_dict.ConfigDict, given: Container[str] = ()) -> Budget:
    """Divide the time that is left among the training, the categories and the report.

    Args:
        seconds: that are left.
        step: a step of the training.
        categorizer_step: seconds of a step of the categorizer.
        num_images: number of images.
        config: its numbers of steps of the categorizer bound what is chosen; the number of epochs is at most
            the paper's for photographs.
        given: the fields that the user has set, which are kept.
    """
    other = _OTHER_SECONDS + _SECONDS_PER_IMAGE * min(num_images, MAX_PARTITIONED)
    options = config.categories
    of_fields = categorizer_seconds(config, categorizer_step)
    fixed = sum(of_fields[name] for name in of_fields if name in given)
    most = sum(of_fields.values()) - fixed
    part = 1.0
    if most:
        part = float(np.clip((_CATEGORIZER_SHARE * (seconds - other) - fixed) / most,
                             _LEAST_CATEGORIZER_PART, 1))
    epoch = step.steps * step.seconds
    least_epochs = max(_LEAST_EPOCHS, math.ceil(_LEAST_STEPS / step.steps))
    longest = config_lib.load_preset("folder", "paper", METHOD).training.epochs
    epochs = int(np.clip((seconds - other - fixed - part * most) / epoch, least_epochs, longest))
    return Budget(epochs, math.ceil(part * options.categorizer_steps),
                  math.ceil(part * options.contrastive_steps),
                  other + fixed + _LEAST_CATEGORIZER_PART * most + least_epochs * epoch)


def categorizer_seconds(config: config_dict.ConfigDict, categorizer_step: float) -> dict[str, float]:
    """Return the seconds that the steps of the categorizer and of its encoder take, by field.

    Args:
        config: its numbers of steps count.
        categorizer_step: seconds of a step of the categorizer.
    """
    options = config.categories
    return {
        "categories.categorizer_steps": PASSES * ROUNDS * options.categorizer_steps * categorizer_step,
        "categories.contrastive_steps": _CONTRASTIVE_FACTOR * options.contrastive_steps * categorizer_step}


def explain_config(config: config_dict.ConfigDict, given: Mapping[str, Any], step: StepTime,
                   categorizer_step: float) -> list[str]:
    """Return a sentence for each choice of a plan but preset and image size."""
    def reason(name, why):
        value = config_lib.flatten(config)[name]
        return f"{config_lib.flag(name)}={value}: {'given' if name in given else why}"
    steps = config.training.epochs * step.steps
    categorizer = sum(categorizer_seconds(config, categorizer_step).values())
    lines = [
        reason("training.batch_size", "that of the preset, at most a quarter of the images"),
        reason("training.epochs", f"{steps:,} steps of {step.seconds * 1e3:.0f} ms are "
               f"{steps * step.seconds / 60:.1f} minutes; in the last "
               f"{config_lib.guided_epochs(config)} epochs the generator follows the categories"),
        reason("categories.contrastive_steps", "steps in which the categorizer's features are learned"),
        reason("categories.categorizer_steps", f"{PASSES * ROUNDS} times as many of "
               f"{categorizer_step * 1e3:.0f} ms; the categorizer takes {categorizer / 60:.1f} minutes")]
    lines += [reason(name, DIFFERENT_LIGHT) for name in ("data.stretch_contrast", "categories.ignore_colours")
              if config_lib.flatten(config)[name]]
    if config.categories.choose_number:
        lines.append(f"--num_categories=auto: the images suggest the number; {config.networks.num_codes} "
                     "codes are trained")
    if config.augment.flip:
        lines.append("--config.augment.flip=True: images are mirrored, as photographs may be; for text, "
                     "signs or anything else that mirroring changes, add --config.augment.flip=False")
    return lines


def save_plan(plan: Plan, path: Path) -> None:
    """Write a plan as JSON, atomically."""
    files.write_json(plan._asdict(), path)


def load_plan(path: Path) -> Plan | None:
    """Return what `save_plan` wrote; None when there is no file.

    Raises:
        UserError: the file is damaged.
    """
    try:
        plan = Plan(**json.loads(path.read_text(encoding="utf-8")))
        config_lib.validate(config_lib.config_from_dict(plan.config))
        return plan
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is not a plan that this version wrote: {error}; expected another --workdir"
                        ) from None


def check_same_request(plan: Plan, request: Request, path: Path) -> None:
    """Raise a `UserError` that names the flags in which a request differs from that of a plan."""
    asked = json.loads(json.dumps(request.flags()))
    differing = [f"{name}: {plan.flags.get(name)} then, {asked.get(name)} now"
                 for name in sorted(plan.flags.keys() | asked.keys())
                 if plan.flags.get(name) != asked.get(name)]
    if differing:
        raise UserError(f"{path} is of another command ({'; '.join(differing)}); expected the same one, or "
                        "another --workdir")
