"""Conventions that reviews would otherwise repeat: annotations, docstrings, names, layers."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import eig_tf

REPOSITORY = Path(__file__).parent.parent
SOURCES = sorted(path for folder in ("eig_tf", "tools", "benchmarks", "examples", "configs")
                 for path in (REPOSITORY / folder).rglob("*.py"))
# May each package import those before it, and none behind it.
LAYERS = ("errors", "files", "progress", "config", "random_streams", "data", "networks", "models",
          "categories", "figures", "runs", "evaluation", "serving", "sweeps", "reports", "folder_runs",
          "reproduction", "rendering", "cli")
# Names that say nothing: each package may use one of them once.
VAGUE = {"check", "describe", "draw", "load", "report", "run", "write"}
THIRD_PERSON = re.compile(
    "(Adds|Asks|Builds|Calls|Changes|Checks|Computes|Counts|Creates|Decodes|Describes|Does|Draws|Drops|Exports|"
    "Finds|Generates|Gives|Holds|Keeps|Lists|Loads|Makes|Maps|Measures|Parses|Passes|Prints|Raises|Reads|"
    "Removes|Renders|Restores|Returns|Runs|Samples|Saves|Says|Scales|Sends|Sets|Sorts|Starts|Stops|Takes|Tells|"
    "Trains|Turns|Updates|Writes|Yields)")


def parse(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def public_functions(tree):
    """Public functions and methods with their qualified names; those of private classes are private."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from ((f"{node.name}.{inner.name}", inner) for inner in node.body
                        if isinstance(inner, ast.FunctionDef))


def lacks_annotations(name, node):
    # Keras defines what these take.
    if name.endswith((".call", ".compute_output_shape", ".convolution_op", ".build")):
        return False
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return not node.returns or any(argument.annotation is None for argument in arguments
                                   if argument.arg not in ("self", "cls"))


def test_public_functions_have_annotations_and_docstrings():
    found = [f"{path}:{node.lineno} {name}" for path in SOURCES if path.parent.name != "examples"
             for name, node in public_functions(parse(path))
             if not name.rsplit(".", 1)[-1].startswith("_")
             and (lacks_annotations(name, node) or not ast.get_docstring(node))]
    assert not found


def test_docstrings_begin_with_an_imperative():
    """`Return`, not `Returns`: no first word of a function's docstring is in the third person."""
    found = [f"{path}:{node.lineno} {name}: {first}" for path in SOURCES
             for name, node in public_functions(parse(path))
             for first in (ast.get_docstring(node) or "Return").split()[:1]
             if THIRD_PERSON.fullmatch(first)]
    assert not found


def test_only_models_networks_and_config_know_the_baseline_vae():
    def may_name_it(path):
        return path.relative_to(REPOSITORY).parts[:2] in (
            ("eig_tf", "models"), ("eig_tf", "networks"), ("eig_tf", "config"))
    assert not [path for path in SOURCES if not may_name_it(path) and "jointvae" in path.read_text(
        encoding="utf-8").lower().replace("_", "").replace("-", "")]


def imported_packages(path):
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.ImportFrom) and node.module:
            parts = node.module.split(".")
            if parts[0] == "eig_tf":
                yield from [parts[1]] if len(parts) > 1 else (alias.name for alias in node.names)


def test_imports_go_against_the_flow_of_data():
    found = []
    for path in SOURCES:
        if not path.is_relative_to(REPOSITORY / "eig_tf"):
            continue
        own = path.relative_to(REPOSITORY / "eig_tf").with_suffix("").parts[0]
        # The main command and the public API import everything.
        if own in LAYERS:
            behind = set(imported_packages(path)) & set(LAYERS[LAYERS.index(own) + 1:])
            found += [f"{path} imports {name}" for name in behind]
    assert not found


def test_vague_names_occur_once_in_a_package():
    found = {}
    for path in SOURCES:
        for node in parse(path).body:
            if isinstance(node, ast.FunctionDef) and node.name in VAGUE:
                found.setdefault((str(path.parent), node.name), []).append(path.name)
    assert not {place: files for place, files in found.items() if len(files) > 1}


def test_importing_the_package_is_quick_and_its_api_is_there():
    program = ("import sys, time; start = time.perf_counter(); import eig_tf; "
               "print(time.perf_counter() - start, 'tensorflow' in sys.modules)")
    result = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True,
                            check=True)
    seconds, imported = result.stdout.split()
    assert float(seconds) < 0.3 and imported == "False"
    assert all(getattr(eig_tf, name) is not None for name in eig_tf.__all__)
    assert set(eig_tf.__all__) <= set(dir(eig_tf))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = eig_tf.nothing
