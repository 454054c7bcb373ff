"""The stages from a folder of images to its report; each of them may be interrupted and started again."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np

from eig_tf import config as config_lib
from eig_tf.data import names, prepared, registry
from eig_tf.errors import UserError
from eig_tf.evaluation import categorize
from eig_tf.folder_runs import plan as planning
from eig_tf.folder_runs.plan import Request
from eig_tf.reports.run_report import report_run
from eig_tf.runs.run_directory import RunDirectory
from eig_tf.runs.run_preparation import check_outside_images
from eig_tf.runs.training import train_run

PLAN = "plan.json"
_DOUBTFUL = 0.5


def discover(request: Request, workdir: Path, cache_dir: str, devices: str | None = None,
             dry_run: bool = False) -> None:
    """Plan a run on a folder of images, train it, sort the images and write the report.

    A run directory that has a plan is continued by it.

    Args:
        request: what the user asks for.
        workdir: the run directory.
        cache_dir: directory of decoded data sets.
        devices: what to train on, see `make_hosts`.
        dry_run: whether to stop when the plan is printed; nothing is written then but decoded images.

    Raises:
        UserError: the folder cannot be trained on, the directory is of another command or of a run without a
            plan, or the time is too short.
        TrainingStopped: SIGTERM or Ctrl-C while training.
        OSError: a file cannot be written.
    """
    check_outside_images(workdir, "folder", request.folder)
    directory, path = RunDirectory(workdir), workdir / PLAN
    plan = planning.load_plan(path)
    if plan is None:
        # A directory of something else is refused before the minutes of a plan.
        if directory.config.is_file() or (workdir.exists() and not workdir.is_dir()):
            raise UserError(f"{workdir} holds something else than a run of this command, which has a {PLAN}; "
                            "expected another --workdir")
        _check_folder(request)
        plan = planning.make_plan(request, cache_dir, devices)
    else:
        planning.check_same_request(plan, request, path)
        print(f"continues by {path}")
    print("\n".join(["", "plan", *(f"  {reason}" for reason in plan.reasons), f"  --workdir={workdir}", ""]),
          flush=True)
    if dry_run:
        return
    config = config_lib.config_from_dict(plan.config)
    if not path.is_file():
        directory.create()
        planning.save_plan(plan, path)
    # With it, the directory is one of a run, whatever else is in it.
    if not directory.config.is_file():
        config_lib.save_config(config, directory.config)
    train_run(config, workdir, request.folder, cache_dir, devices=devices)
    _sort_and_report(workdir, request.folder, cache_dir)


def _check_folder(request):
    """Print what the folder holds; what is wrong with it is an error of the loader."""
    config = planning.config_of_fields(request, request.preset or "cpu")
    place = registry.find_directory("folder", request.folder)
    if not prepared.is_prepared(place):
        for line in registry.find_loader("folder").check_directory(place, config):
            print(names.printable(line), flush=True)
    print("near-duplicates, and what mirroring changes:  python tools/preview_data.py --dataset=folder "
          f"--data_dir={shlex.quote(request.folder)} --method=agglomerative_infogan --check", flush=True)


def _sort_and_report(workdir, folder, cache_dir):
    table, report = workdir / "categories.csv", workdir / "report.html"
    _, found, notes = categorize.categorize(workdir, table, None, folder, cache_dir)
    _, more = report_run(workdir, report, folder, cache_dir, tensorboard=True)
    for note in dict.fromkeys([*notes, *more]):
        print(names.printable(f"note: {note}"))
    doubtful = int(np.sum(found.probabilities < _DOUBTFUL))
    place = shlex.quote(str(workdir))
    print("\n".join([
        "", categorize.format_categories(found), "",
        f"{len(found.prior)} categories of {len(found.categories):,} images; the probability of {doubtful:,} "
        f"images is below {_DOUBTFUL}: they are doubtful",
        f"the tree of the codes:         python tools/plot.py {place} --figures=hierarchy",
        f"another number of categories:  python tools/find_categories.py {place} --num_categories=N",
        "                               and the same command as before, for table and report",
        f"table   {table}", f"report  {report}"]), flush=True)
