"""Set up a virtual environment and run the demo or the tests, from nothing but Python.

    python3 tools/start.py demo [RUN_DIR]        train, evaluate and export on the embedded digits
    python3 tools/start.py test [PYTEST ARGS]    run the tests

Needs Python 3.9, 3.10 or 3.11; when this Python is another one, looks for them on the PATH. The environment
is .venv in the checkout, or the directory that the variable EIG_TF_VENV names.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
ENVIRONMENT = Path(os.environ.get("EIG_TF_VENV") or REPOSITORY / ".venv").absolute()
SUPPORTED = ((3, 11), (3, 10), (3, 9))
DEMO_RUN = "runs/digits-demo"


def main(arguments: list[str]) -> int:
    """Do what the command line asks; return the exit status."""
    task, *rest = arguments or ["--help"]
    if task == "demo" and len(rest) <= 1:
        return demo(set_up(""), rest[0] if rest else DEMO_RUN)
    if task == "test":
        return subprocess.call([set_up("test"), "-m", "pytest", *rest], cwd=REPOSITORY)
    print(__doc__)
    return 0 if task in ("-h", "--help") else 2


def demo(python: str, run_dir: str) -> int:
    """Train, evaluate and export on the embedded digits; return the exit status."""
    steps = (
        ["-m", "eig_tf.train", "--dataset=digits", "--method=agglomerative_infogan",
         "--config.training.epochs=100", f"--workdir={run_dir}"],
        [str(REPOSITORY / "tools" / "evaluate.py"), run_dir],
    )
    # The evaluation's classifier needs the images alone, and small networks leave a core idle. The evaluation
    # waits for it, or trains it again, and says so.
    with subprocess.Popen([python, str(REPOSITORY / "tools" / "train_classifier.py"), "--dataset=digits"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as classifier:
        for step in steps:
            print(f"\n$ python {' '.join(step)}", flush=True)
            status = subprocess.call([python, *step])
            if status:
                classifier.terminate()
                return status
    print(f"\nsample grids   {run_dir}/samples\nevaluation     {run_dir}/evaluation.json, confusion.png, "
          f"prior.png\nSavedModel     {run_dir}/export")
    return 0


def set_up(extra: str) -> str:
    """Create the environment and install the project with an extra, or none, once; return its Python."""
    python = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    setup = (REPOSITORY / "setup.py").read_text(encoding="utf-8")
    stamp = ENVIRONMENT / "installed"
    installed = stamp.read_text(encoding="utf-8") if stamp.is_file() else ""
    # An environment for the tests can do all else.
    if installed in (f"{extra}\n{setup}", f"test\n{setup}"):
        return str(python)
    print(f"sets up {ENVIRONMENT}", flush=True)
    if not installed.endswith(f"\n{setup}"):
        # Without a stamp, the content is somebody else's.
        if ENVIRONMENT.exists() and not stamp.is_file() and any(ENVIRONMENT.iterdir()):
            sys.exit(f"error: {ENVIRONMENT} holds something else than an environment of this command; "
                     "expected a new or empty directory, or another one in the variable EIG_TF_VENV")
        subprocess.check_call([supported_python(), "-m", "venv", "--clear", str(ENVIRONMENT)])
        stamp.touch()
    subprocess.check_call([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                           "--editable", f"{REPOSITORY}[{extra}]" if extra else str(REPOSITORY)])
    stamp.write_text(f"{extra}\n{setup}", encoding="utf-8")
    return str(python)


def supported_python() -> str:
    """Return this Python, or another one on the PATH that TensorFlow 2.15 supports."""
    if sys.version_info[:2] in SUPPORTED:
        return sys.executable
    for major, minor in SUPPORTED:
        found = shutil.which(f"python{major}.{minor}")
        if found:
            return found
    sys.exit(f"error: this is Python {sys.version_info[0]}.{sys.version_info[1]} and no other was found on "
             "the PATH; expected Python 3.9, 3.10 or 3.11 (TensorFlow 2.15 has no build for newer ones)")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except subprocess.CalledProcessError as error:
        sys.exit(f"error: {' '.join(map(str, error.cmd))} failed with status {error.returncode}")
