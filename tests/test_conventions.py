"""Conventions that reviews would otherwise repeat: annotations, docstrings, names, layers."""

import ast
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
SOURCES = sorted(path for folder in ("eig_tf", "tools", "benchmarks", "examples", "configs")
                 for path in (REPOSITORY / folder).rglob("*.py"))
# May each package import those before it, and none behind it.
LAYERS = ("errors", "files", "config", "random_streams", "data", "networks", "models", "figures", "runs",
          "evaluation", "serving", "rendering", "cli")
# Names that say nothing: each package may use one of them once.
VAGUE = {"check", "describe", "draw", "load", "report", "run", "write"}


def name_of(path):
    return str(path.relative_to(REPOSITORY))


def public_functions(tree):
    """Public functions and methods with their qualified names; those of private classes are private."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from ((f"{node.name}.{inner.name}", inner) for inner in node.body
                        if isinstance(inner, ast.FunctionDef))


def is_public(qualified):
    last = qualified.rsplit(".", 1)[-1]
    return not last.startswith("_")


@pytest.mark.parametrize("path", [path for path in SOURCES if path.parent.name != "examples"], ids=name_of)
def test_public_functions_have_annotations_and_docstrings(path):
    missing = []
    for name, node in public_functions(ast.parse(path.read_text(encoding="utf-8"))):
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        arguments = [argument for argument in arguments if argument.arg not in ("self", "cls")]
        # Keras defines what the call of a network takes.
        of_keras = name.endswith((".call", ".compute_output_shape", ".convolution_op", ".build"))
        if is_public(name) and not of_keras and not (
                node.returns and all(argument.annotation for argument in arguments)):
            missing.append(f"{name}: annotations")
        if is_public(name) and not ast.get_docstring(node):
            missing.append(f"{name}: docstring")
    assert not missing


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_only_models_networks_and_config_know_the_baseline_vae(path):
    if path.relative_to(REPOSITORY).parts[:2] in (("eig_tf", "models"), ("eig_tf", "networks"),
                                                   ("eig_tf", "config")):
        pytest.skip("may name it")
    text = path.read_text(encoding="utf-8").lower().replace("_", "").replace("-", "")
    assert "jointvae" not in text


def imported_packages(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            parts = node.module.split(".")
            if parts[0] == "eig_tf":
                yield from [parts[1]] if len(parts) > 1 else (alias.name for alias in node.names)


@pytest.mark.parametrize("path", [path for path in SOURCES if path.is_relative_to(REPOSITORY / "eig_tf")],
                         ids=name_of)
def test_imports_go_against_the_flow_of_data(path):
    own = path.relative_to(REPOSITORY / "eig_tf").parts[0].removesuffix(".py")
    if own not in LAYERS:
        pytest.skip("the main command and the public API import everything")
    allowed = LAYERS[:LAYERS.index(own) + 1]
    assert set(imported_packages(path)) <= {*allowed, "__version__"}


@pytest.mark.parametrize("package", sorted({path.parent for path in SOURCES}), ids=name_of)
def test_vague_names_occur_once_in_a_package(package):
    found = {}
    for path in package.glob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name in VAGUE:
                found.setdefault(node.name, []).append(path.name)
    assert all(len(paths) == 1 for paths in found.values()), found
