"""The specification of a sweep: a YAML file that lists runs as products of settings."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ml_collections import config_dict

from eig_tf import config as config_lib
from eig_tf.data import class_sets, imbalance, registry
from eig_tf.errors import UserError

# The smallest and the largest value of the flags of tools/evaluate.py that are numbers.
_EVALUATE_BOUNDS = {"images_per_code": (1, 10**6), "evaluation_seed": (0, 2**31 - 1)}
# Those of eig_tf.networks.classifiers, which imports TensorFlow.
_CLASSIFIERS = ("small_cnn", "resnet50")
_FLAG_FIELDS = {flag: field for field, flag in config_lib.NAMED_FLAGS.items()}
_GROUP_KEYS = (*_FLAG_FIELDS, "data_dir", "config", "method_config", "label")
# Flags that methods of one group may differ in.
_METHOD_FLAGS = ("num_codes", "num_categories")
# Flags that are a part of every run's name, and those that are without a label.
_IN_NAME = ("method", "class_set", "split", "seed")
_IN_DEFAULT_LABEL = ("dataset", "preset")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,149}")
# Data sets that need no files. Other ones are asked by importing their loaders, which may take seconds.
_WITHOUT_FILES = ("digits", "mnist")


class SweepRun(NamedTuple):
    """One run of a sweep.

    Attributes:
        name: its name, which no other run of the sweep has; that of its directory.
        label: the name of its group of runs in tables; that of the data set, with the preset unless it is
            `paper`, when the group has none.
        dataset: name of the data set.
        method: name of the method.
        split: number of the class-imbalanced split.
        class_set: the class set of cars and chairs; None for other data sets.
        seed: root of all randomness.
        train_arguments: the arguments of `eig_tf.train`, without those that name directories.
        data_dir: directory of the data set's files, relative to the root of the data, or None.
        config: the run's whole config, with nested groups.
    """

    name: str
    label: str
    dataset: str
    method: str
    split: int
    class_set: str | None
    seed: int
    train_arguments: tuple[str, ...]
    data_dir: str | None
    config: dict[str, Any]

    @property
    def setting(self) -> str:
        """The method, and what the name says of other keys with lists: `elastic_infogan, num_codes20`."""
        _, _, varied = self.name.rpartition(f"-split{self.split}-seed{self.seed}")
        return ", ".join([self.method, *([varied.removeprefix("-")] if varied else [])])


class SweepSpec(NamedTuple):
    """What a sweep does.

    Attributes:
        name: of the sweep, for messages: the file of the specification.
        runs: the runs in the order of the file.
        evaluate_arguments: the arguments of `tools/evaluate.py`, without directories.
        export: whether finished runs are exported as SavedModels.
    """

    name: str
    runs: tuple[SweepRun, ...]
    evaluate_arguments: tuple[str, ...] = ()
    export: bool = False


def load_spec(path: str | os.PathLike) -> SweepSpec:
    """Read a specification from a YAML file; see `parse_spec`.

    Raises:
        UserError: the file is not YAML or is not a valid specification.
        OSError: the file cannot be read.
    """
    # An optional dependency, which other commands need not have.
    try:
        import yaml
    except ImportError:
        raise UserError("pyyaml is not installed, which sweeps need; expected pip install "
                        "'eig_tf[sweep]'") from None

    class Loader(yaml.SafeLoader):
        """YAML in which no key comes twice, and 007 is the text of an id, not an octal number."""

        def construct_mapping(self, node, deep=False):
            keys = [key.value for key, _ in node.value]
            for key, _ in node.value:
                if keys.count(key.value) > 1:
                    raise yaml.constructor.ConstructorError(None, None, f"the key {key.value} comes twice",
                                                            key.start_mark)
            return super().construct_mapping(node, deep)

        def construct_yaml_int(self, node):
            return node.value if re.match(r"0\d", node.value) else super().construct_yaml_int(node)

    Loader.add_constructor("tag:yaml.org,2002:int", Loader.construct_yaml_int)
    try:
        content = yaml.load(Path(path).read_text(encoding="utf-8"), Loader)
    except (yaml.YAMLError, ValueError) as error:
        raise UserError(f"{path} is not YAML: {' '.join(str(error).split())[:200]}; expected the "
                        "specification of a sweep, see docs/sweeps.md") from None
    return parse_spec(content, str(path))


def parse_spec(content: Any, name: str) -> SweepSpec:
    """Check a specification and list its runs.

    Args:
        content: what the YAML file holds; see docs/sweeps.md.
        name: of the sweep, which begins every error: the name of the file.

    Returns:
        The specification; its runs have names that differ.

    Raises:
        UserError: a key or a field is unknown, a value is bad, or two runs have the same name.
    """
    _check_keys(content, ("runs", "evaluate", "export"), name)
    groups = content.get("runs")
    if not isinstance(groups, list) or not groups:
        raise UserError(f"{name}: runs is {groups!r}; expected a list of one group of runs or more")
    export = content.get("export", False)
    if not isinstance(export, bool):
        raise UserError(f"{name}: export is {export!r}; expected true or false")
    evaluate_arguments = _parse_evaluate(content.get("evaluate") or {}, f"{name}: evaluate")
    places: dict[str, str] = {}
    runs = []
    for number, group in enumerate(groups):
        place = f"{name}: runs[{number}]"
        for run in _runs_of_group(group, place):
            if run.name in places:
                raise UserError(f"{place} has a run {run.name}, and so has {places[run.name]}; expected runs "
                                "that differ, or another label")
            places[run.name] = place.removeprefix(f"{name}: ")
            runs.append(run)
    return SweepSpec(name, tuple(runs), evaluate_arguments, export)


def check_data_directories(spec: SweepSpec, data_root: str | os.PathLike) -> None:
    """Raise a `UserError` that names the first run whose data set has no files.

    Args:
        spec: the specification.
        data_root: the directory that `data_dir` of the runs is relative to.
    """
    for run in {(run.dataset, run.data_dir): run for run in spec.runs}.values():
        where = f"{spec.name}: data_dir of {run.name} is"
        if run.data_dir is None:
            if not (run.dataset in _WITHOUT_FILES
                    or hasattr(registry.find_loader(run.dataset), "load_images")):
                raise UserError(f"{where} missing; expected the directory of the files of {run.dataset}, "
                                "relative to --data_root")
        # A folder's may be an archive or a list.
        elif not (Path(data_root).expanduser() / run.data_dir).exists():
            raise UserError(f"{where} {run.data_dir!r}, which does not exist in {str(data_root)!r}; "
                            "expected the files of the data set there, or another --data_root")


def _check_keys(content: Any, known: tuple[str, ...], place: str) -> None:
    if not isinstance(content, dict):
        raise UserError(f"{place} is {content!r}; expected keys among {', '.join(known)}")
    for key in content:
        if key not in known:
            raise UserError(f"{place} has the key {key!r}; expected keys among {', '.join(known)}")


def _parse_evaluate(content: Any, place: str) -> tuple[str, ...]:
    _check_keys(content, (*_EVALUATE_BOUNDS, "classifier", "pretrained_weights"), place)
    for key, (low, high) in _EVALUATE_BOUNDS.items():
        value = content.get(key, low)
        if type(value) is not int or not low <= value <= high:
            raise UserError(f"{place}.{key} is {value!r}; expected {low} to {high}")
    classifier = content.get("classifier", "small_cnn")
    if classifier not in _CLASSIFIERS:
        raise UserError(f"{place}.classifier is {classifier!r}; expected {' or '.join(_CLASSIFIERS)}")
    if "pretrained_weights" in content:
        weights = Path(str(content["pretrained_weights"])).expanduser().absolute()
        if classifier != "resnet50" or not weights.is_file():
            raise UserError(f"{place}.pretrained_weights is {content['pretrained_weights']!r} and classifier "
                            f"{content.get('classifier')!r}; expected a file of weights for resnet50")
        # The machines of a cluster run commands in other directories.
        content = {**content, "pretrained_weights": weights}
    return tuple(f"--{key}={value}" for key, value in content.items())


def _runs_of_group(group: Any, place: str) -> Iterator[SweepRun]:
    _check_keys(group, _GROUP_KEYS, place)
    for key in ("dataset", "method"):
        if key not in group:
            raise UserError(f"{place} lacks {key}; expected a name or a list of names")
    label, data_dir = (_text(group.get(key), f"{place}.{key}") for key in ("label", "data_dir"))
    overrides = _fields(group.get("config"), f"{place}.config")
    of_methods = group.get("method_config") or {}
    flags = {key: _values(value, key, f"{place}.{key}") for key, value in group.items()
             if key in _FLAG_FIELDS}
    _check_keys(of_methods, tuple(map(str, flags["method"])), f"{place}.method_config")
    of_methods = {method: _method_settings(content, {*flags, *overrides}, f"{place}.method_config.{method}")
                  for method, content in of_methods.items()}
    in_name = (*_IN_NAME, *([] if label else _IN_DEFAULT_LABEL))
    for values in itertools.product(*flags.values()):
        of_group = dict(zip(flags, values))
        own = of_methods.get(of_group["method"], {})
        if any(of_group[key] != flags[key][0] for key in own if key in flags):
            continue  # The method has the same run for each value of a flag that it replaces.
        # A setting of None is one of the group that the method goes without.
        settings = {key: found for key, found in {
            **{flag: [value] for flag, value in of_group.items()}, **overrides, **own}.items()
            if found is not None}
        for setting in itertools.product(*settings.values()):
            found = dict(zip(settings, setting))
            chosen = {key: value for key, value in found.items() if key in _FLAG_FIELDS}
            config = {key: value for key, value in found.items() if key not in _FLAG_FIELDS}
            varied = [f"{key.rpartition('.')[2]}{value}" for key, value in found.items()
                      if len({**settings, **flags, **own}[key] or ()) > 1 and key not in in_name]
            yield _make_run(chosen, config, varied, label, data_dir, place)


def _method_settings(content: Any, of_group: set[str], place: str) -> dict[str, list[Any] | None]:
    """Return the values of flags and fields of a method; None for those of its group that it goes without."""
    if not isinstance(content or {}, dict):
        raise UserError(f"{place} is {content!r}; expected fields such as training.epochs with their values")
    content = content or {}
    dropped = dict.fromkeys(key for key, value in content.items() if value is None)
    for key in dropped:
        if key not in of_group:
            raise UserError(f"{place}.{key} is null, and the group does not set it; expected a value")
    given = {key: value for key, value in content.items() if key not in dropped}
    flags = {key: _values(given.pop(key), key, f"{place}.{key}") for key in _METHOD_FLAGS if key in given}
    return {**dropped, **flags, **_fields(given, place)}


def _make_run(chosen: dict[str, Any], overrides: dict[str, Any], varied: list[str], label: str | None,
              data_dir: str | None, place: str) -> SweepRun:
    """Return a run from values by flag, values by field and the parts of its name that no other run has."""
    config = _make_config(chosen, overrides, place)
    known = config_lib.flatten(config)
    label = label or "-".join([config.dataset, *([] if config.preset == "paper" else [config.preset])])
    class_set = known.get("data.class_set")
    name = "-".join([label, config.method, *([] if class_set is None else [f"set{class_set}"]),
                     f"split{config.split}", f"seed{config.seed}", *varied])
    name = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    if not _NAME.fullmatch(name):
        raise UserError(f"{place} has a run of the name {name!r}; expected up to 150 characters, a letter or "
                        "a digit first; another label helps")
    arguments = [*(f"--{flag}={known[_FLAG_FIELDS[flag]]}" for flag in chosen),
                 *(f"--config.{field}={known[field]}" for field in overrides)]
    return SweepRun(name, label, config.dataset, config.method, config.split, class_set, config.seed,
                    tuple(arguments), data_dir, config.to_dict())


def _make_config(chosen: dict[str, Any], overrides: dict[str, Any], place: str) -> config_dict.ConfigDict:
    fields = {**{_FLAG_FIELDS[flag]: value for flag, value in chosen.items()}, **overrides}
    dataset, preset, method = map(str, (chosen["dataset"], chosen.get("preset", "paper"), chosen["method"]))
    try:
        kinds = _preset_values(dataset, preset, method)
        fields = {field: _converted(value, field, kinds.get(field)) for field, value in fields.items()}
        config = config_lib.config_from_fields(dataset, preset, method, fields)
        imbalance.check_split(config)
        _check_class_set(config)
    except UserError as error:
        raise UserError(f"{place}: {error}") from None
    return config


@functools.cache
def _preset_values(dataset: str, preset: str, method: str) -> dict[str, Any]:
    return config_lib.flatten(config_lib.load_preset(dataset, preset, method))


def _converted(value: Any, field: str, example: Any) -> Any:
    """Return a value of YAML in the type of the preset's; YAML reads 1e-3 as text, and ids as numbers."""
    if isinstance(example, str):
        return str(value)
    number = value
    if isinstance(example, float) and isinstance(value, str):
        with contextlib.suppress(ValueError):
            number = float(value)
    expected = (int, float) if isinstance(example, float) else type(example)
    if example is not None and (not isinstance(number, expected)
                                or isinstance(number, bool) != isinstance(example, bool)):
        raise UserError(f"{config_lib.flag(field)} is {value!r}; expected a value such as {example!r}")
    return number


def _check_class_set(config: config_dict.ConfigDict) -> None:
    class_set, known = config.data.get("class_set"), class_sets.class_set_numbers(config.dataset)
    if class_set is not None and "," not in class_set and class_set not in (*known, class_sets.RANDOM):
        raise UserError(f"--class_set is {class_set!r}; expected one of {', '.join(known)}, "
                        f"{class_sets.RANDOM}, or two or more ids separated by commas")


def _values(value: Any, key: str, place: str) -> list[Any]:
    """Return a value or the values of a list; splits and seeds may be ranges such as `0-9`."""
    values = value if isinstance(value, list) else [value]
    if key in ("split", "seed"):
        values = [number for one in values for number in _numbers(one, place)]
    else:
        for one in values:
            if not isinstance(one, (str, int, float)):
                raise UserError(f"{place} is {value!r}; expected a value or a list of values")
    if not values or len(set(map(str, values))) < len(values):
        raise UserError(f"{place} is {value!r}; expected one value or more, each of them once")
    return values


def _numbers(value: Any, place: str) -> list[int]:
    if type(value) is int:
        return [value]
    bounds = re.fullmatch(r"(\d{1,9})-(\d{1,9})", str(value))
    if not bounds or int(bounds[1]) > int(bounds[2]):
        raise UserError(f"{place} is {value!r}; expected a number, a range such as 0-9, or a list of them")
    return list(range(int(bounds[1]), int(bounds[2]) + 1))


def _fields(content: Any, place: str) -> dict[str, list[Any]]:
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UserError(f"{place} is {content!r}; expected fields such as training.epochs with their values")
    for field in content:
        if field in config_lib.NAMED_FLAGS:
            raise UserError(f"{place} has the field {field}; expected {config_lib.NAMED_FLAGS[field]} beside "
                            "config, since it has a flag of its own")
        if field not in {known.name for known in config_lib.FIELDS}:
            raise UserError(f"{place} has the field {field!r}; expected fields that python -m eig_tf.train "
                            "--dataset=NAME --help lists")
    return {field: _values(value, field, f"{place}.{field}") for field, value in content.items()}


def _text(value: Any, place: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise UserError(f"{place} is {value!r}; expected text")
    return value
