"""What every command says for --help and of a bad command line: at once, without TensorFlow and VTK."""

import os

import pytest

HELP = {
    "benchmark": ["<step|profile|data|serving|scaling|precision>",
                  "tools/benchmark.py --what=serving --dataset=cars --preset=cpu"],
    "categorize": ["--output", "RUN_DIR"],
    "client": ["categorize FOLDER", "--address"],
    "evaluate": ["--images_per_code", "RUN_DIR", "--classifier", "--pretrained_weights"],
    "export": ["RUN_DIR/export/<data set>/1", "--output", "--name", "--format", "--version", "--keep",
               "--precision", "--quantization"],
    "find_categories": ["RUN_DIR", "--num_categories:", "--data_dir"],
    "plot": ["--codes_as", "RUN_DIR", "\n  overview"],
    "prepare_data": ["--out", "--data_dir", "--class_set"],
    "preview_data --dataset=cars": ["--output", "--config.augment.crop", "--num_categories:"],
    "rebalance": ["RUN_DIR --output=balanced", "--by", "--per_group", "--min_probability", "--decisions"],
    "report": ["RUN_DIR", "SWEEP_DIR", "--output", "--decisions=FILE"],
    "render_shapenet": ["--elevation", "ShapeNetCore"],
    "start": ["start.py demo"],
    "sweep": ["SPEC", "--dry_run", "--gpus_per_run"],
    "train_classifier": ["--classifier", "--pretrained_weights", "--class_set"],
}
DATASETS = "cars, chairs, digits, folder, mnist, shapenet, ytf"
NAME = "expected up to 100 letters, digits, dots, dashes and underscores, a letter or a digit first"
ANGLES = "expected two angles from -90 to 90, the lower one first, such as 0,45"
CODES = "expected different codes, such as 0,3,7"
CSV = "expected the name of a file that ends in .csv"
FREE = "is a directory; expected the name of a file, with that of its picture free"
WRITABLE = "is not a directory that can be written; expected a"
REFUSED = [
    ("benchmark", "--batch_size=1", "flag --batch_size=1: 1 is not integer >= 2; --help lists the flags"),
    ("benchmark", "--steps=0", "flag --steps=0: 0 is not a positive integer; --help lists the flags"),
    ("benchmark", "--output=no/a.json", f"--output is 'no/a.json', but 'no' {WRITABLE} file in one"),
    ("benchmark", "--output=.", "--output is '.', a directory; expected the name of a JSON file"),
    ("benchmark", "a.json", "unexpected argument 'a.json'; expected flags only"),
    ("benchmark", "--what=data --routing=head",
     "--routing is given, which only --what=step or --what=profile or --what=scaling or --what=precision "
     "takes"),
    ("benchmark", "--what=profile --repeats=3",
     "--repeats is given, which only --what=step or --what=data or --what=serving or --what=scaling or "
     "--what=precision takes"),
    ("benchmark", "--num_images=500", "--num_images is given, which only --what=data takes"),
    ("benchmark", "--what=data --data_dir=.",
     "--data_dir is given, but --dataset is missing; expected the data set of its files"),
    ("benchmark", "--what=data --method=gumbel_infogan",
     "--method is gumbel_infogan, which takes no pairs; expected one that does"),
    ("benchmark", "--what=data --preset=cpu",
     "--preset is given, which only --what=step or --what=profile or --what=serving or --what=scaling or "
     "--what=precision takes"),
    ("benchmark", "--what=serving --dataset=mnist --preset=cpu",
     "--preset is 'cpu'; --dataset=mnist expects paper"),
    ("benchmark", "--method=joint_vae --routing=head", "--routing is given, but --method=joint_vae has no "
     "gradient routing; expected another method or no --routing"),
    ("categorize", "", "the arguments are none; expected exactly one, RUN_DIR"),
    ("categorize", "no", "no is not a directory; expected a run directory that eig_tf.train wrote"),
    ("categorize", ". --images=no",
     "--images is 'no', which does not exist; expected a folder, a list or an archive of images"),
    ("categorize", ". --images=here --data_dir=here",
     "--images and --data_dir are given; expected other images or the run's data set"),
    ("categorize", ". --recursive",
     "--recursive is given without --images; expected it for other images only"),
    ("categorize", ". --output=here", f"--output is 'here', a directory; {CSV}"),
    ("categorize", ". --output=", "--output is empty; expected a path, or no such flag"),
    ("categorize", ". --output=a.png", f"--output is 'a.png'; {CSV}"),
    ("categorize", ". --output=b.csv", f"--output is 'b.csv', but 'b.csv' {FREE}"),
    ("categorize", ". --output=c.csv", f"--output is 'c.csv', but 'c.png' {FREE}"),
    ("categorize", ". --output=no/a.csv", f"--output is 'no/a.csv', but 'no' {WRITABLE} file in one"),
    ("client", "", "the first argument is none; expected one of status, generate, sample, categorize"),
    ("client", "status", "--model is missing; expected the name of the model on the server"),
    ("client", "status more --model=m", "the arguments end in more; expected nothing after the first"),
    ("client", "status --model=m --address=host", "the address is 'host'; expected grpc://HOST:PORT, "
     "HOST:PORT or dns:///HOST:PORT for the same, or http://HOST:PORT"),
    ("client", "status --model=m --timeout=nan",
     "timeout is nan; expected a number from 0.001 to 1000000.0"),
    ("client", "status --model=m --timeout=inf", "flag --timeout=inf: inf is not a number in the range "
     "[0.001, 1000000.0]; --help lists the flags"),
    ("client", f"status --model=m --version={2**63}", f"flag --version={2**63}: {2**63} is not an integer in "
     "the range [0, 9223372036854775807]; --help lists the flags"),
    ("client", "generate --model=m", "--output is missing; expected a PNG file or a directory"),
    ("client", "generate --model=m --output=a.png --codes=1,b",
     "--codes is '1,b'; expected numbers such as 0,3,7"),
    ("client", "generate --model=m --output=a.png --categories=1,all",
     "--categories is '1,all'; expected numbers such as 0,3,7, or all"),
    ("client", "generate --model=m --output=a.png --codes=1 --categories=all",
     "--codes and --categories are given; expected one of them"),
    ("client", "sample --model=m --output=c.png",
     "--output is 'c.png', which is a directory; expected a PNG file or a directory"),
    ("client", "categorize --model=m",
     "the arguments are none; expected exactly one, a folder of images after categorize"),
    ("client", "categorize no --model=m", "no is no directory; expected a folder of images"),
    ("client", "categorize . --model=m --output=a.txt", f"--output is 'a.txt'; {CSV}"),
    ("client", "categorize . --model=m --output=no/a.csv",
     f"--output is 'no/a.csv', but 'no' {WRITABLE} file in one"),
    ("evaluate", "", "the arguments are none; expected exactly one, RUN_DIR"),
    ("evaluate", "a --images_per_code=0", "--images_per_code is 0; expected 1 to 1000000"),
    ("evaluate", f"a --evaluation_seed={2**31}",
     "--evaluation_seed is 2147483648; expected 0 to 2147483647"),
    ("export", "one two", "the arguments are one two; expected exactly one, RUN_DIR"),
    ("export", "run --version=0", "--version is 0; expected 1 or more, below 2^63"),
    ("export", "run --keep=-1", "--keep is -1; expected 1 or more, below 2^63"),
    ("export", f"run --version={2**63}", f"--version is {2**63}; expected 1 or more, below 2^63"),
    ("export", "run --name=../up", f"--name is '../up'; {NAME}"),
    ("export", "run --name=", f"--name is ''; {NAME}"),
    ("export", "run --format=tflite --keep=2",
     "--keep is given with --format=tflite; expected it only with --format=savedmodel"),
    ("export", "run --quantization=int8",
     "--quantization is given with --format=savedmodel; expected it only with --format=tflite"),
    ("find_categories", "", "the arguments are none; expected exactly one, RUN_DIR"),
    ("find_categories", "no", "no is not a directory; expected a run directory that eig_tf.train wrote"),
    ("find_categories", "here --num_categories=x",
     "flag --num_categories=x: 'x' is neither a number nor auto; --help lists the flags"),
    ("plot", "", "the arguments are none; expected exactly one, RUN_DIR"),
    ("plot", ". --columns=0", "--columns is 0; expected a number from 1 to 100"),
    ("plot", ". --columns=101", "--columns is 101; expected a number from 1 to 100"),
    ("plot", ". --seed=-1", "--seed is -1; expected a number from 0 to 2147483647"),
    ("plot", ". --codes=1,two", f"--codes is '1,two'; {CODES}"),
    ("plot", ". --codes=-1", f"--codes is '-1'; {CODES}"),
    ("plot", ". --codes=3,3", f"--codes is '3,3'; {CODES}"),
    ("plot", ". --codes=", f"--codes is ''; {CODES}"),
    ("plot", ". --formats=png,svg", "--formats is 'png,svg'; expected png, pdf or png,pdf"),
    ("plot", ". --formats=", "--formats is ''; expected png, pdf or png,pdf"),
    ("plot", ". --output=file", "--output is 'file', a file; expected a directory, or a new name"),
    ("plot", ". --output=no/a", f"--output is 'no/a', but 'no' {WRITABLE} directory in one"),
    ("prepare_data", "", f"the first argument is missing; expected the data set, one of {DATASETS}"),
    ("prepare_data", "--out=out digits",
     f"the first argument is '--out=out'; expected the data set, one of {DATASETS}"),
    ("prepare_data", "cifar --out=out", f"--dataset is 'cifar'; expected one of {DATASETS}"),
    ("prepare_data", "digits", "--out is missing; expected a directory to write, new or empty"),
    ("prepare_data", "digits --dataset=mnist --out=out",
     "--dataset is given, but the first argument is 'digits'; expected one of the two"),
    ("prepare_data", "digits mnist --out=out",
     "unexpected argument 'mnist'; expected the data set, then flags"),
    ("prepare_data", "digits --out=out --split=1",
     "--split is given, but the whole set is prepared; expected it at training"),
    ("prepare_data", "digits --out=out --imbalance=none",
     "--imbalance is given, but the whole set is prepared; expected it at training"),
    ("preview_data", "--check", f"--dataset is missing; expected one of {DATASETS}"),
    ("preview_data", "--dataset=digits", "--output is missing; expected the name of a PNG file, or --check"),
    ("preview_data", "--dataset=digits --output=.",
     "--output is '.', a directory; expected the name of a PNG file"),
    ("preview_data", "--dataset=digits --output=a.jpg",
     "--output is 'a.jpg'; expected a name that ends in .png"),
    ("preview_data", "--dataset=digits --output=no/a.png",
     f"--output is 'no/a.png', but 'no' {WRITABLE} file in one"),
    ("preview_data", "--dataset=digits --output=a.png --check",
     "--output is given, but --check draws nothing; expected one of the two"),
    ("preview_data", "--dataset=digits --output=a.png a.png",
     "unexpected argument 'a.png'; expected flags only"),
    ("rebalance", ".", "--output is missing; expected the name of a new folder"),
    ("rebalance", ". --output=here", "--output is 'here', which exists; expected the name of a new folder"),
    ("rebalance", ". --output=no/a", f"--output is 'no/a', but 'no' {WRITABLE} directory in one"),
    ("rebalance", ". --output=a --per_group=0", "--per_group is 0; expected a number of images from 1 on"),
    ("rebalance", ". --output=a --min_probability=nan",
     "--min_probability is nan; expected a number from 0 to 1"),
    ("rebalance", ". --output=a --by=class --decisions=b",
     "--decisions is given, which are on categories; expected --by=category with it"),
    ("render_shapenet", "", "the arguments are none; expected exactly one, MESH_DIR"),
    ("render_shapenet", ".", "--output is missing; expected the directory of the renders"),
    ("render_shapenet", "no --output=out",
     "MESH_DIR is 'no', which is no directory; expected a directory of OBJ files"),
    ("render_shapenet", ". --output=out --elevation=45,0", f"--elevation is 45,0; {ANGLES}"),
    ("render_shapenet", ". --output=out --elevation=nan,0", f"--elevation is nan,0; {ANGLES}"),
    ("render_shapenet", ". --output=out --elevation=10", f"--elevation is 10; {ANGLES}"),
    ("render_shapenet", ". --output=out --elevation=0,91", f"--elevation is 0,91; {ANGLES}"),
    ("render_shapenet", ". --output=out",
     ". holds no OBJ files; expected ShapeNetCore's folders or other meshes named *.obj"),
    ("render_shapenet", "here --output=out --categories=car",
     "here lacks the categories car of --categories; it holds the folders none"),
    ("report", "", "the arguments are none; expected exactly one, RUN_DIR or SWEEP_DIR"),
    ("report", "no", "no is not a directory; expected one of a run or of a sweep"),
    ("report", "here --output=here", "--output is 'here', a directory; expected the name of a file that ends "
     "in .html"),
    ("report", "here", "here has neither config.json nor sweep.json; expected the directory of a run or of "
     "a sweep"),
    ("report", "here --output=a.htm", "--output is 'a.htm'; expected the name of a file that ends in .html"),
    ("report", "here --output=no/a.html", f"--output is 'no/a.html', but 'no' {WRITABLE} file in one"),
    ("report", "here --seed=-1", "--seed is -1; expected a number from 0 to 2147483647"),
    ("summarize", "", "no file is named; expected one or more evaluation.json"),
    ("summarize", "no.json", "no.json: no such file; expected an evaluation.json"),
    ("sweep", "", "the arguments are none; expected exactly one, SPEC"),
    ("sweep", "a.yaml --cpus_per_run=nan",
     "flag --cpus_per_run=nan: expected a finite number; --help lists the flags"),
    ("sweep", "a.yaml --gpus_per_run=1.5",
     "flag --gpus_per_run=1.5: expected 0, a share of one GPU of 0.0001 or more, or a whole number; --help "
     "lists the flags"),
    ("sweep", "no.yaml", "no.yaml: No such file or directory; expected a path that can be read or written"),
    ("sweep", "file", "file is None; expected keys among runs, evaluate, export"),
    ("train_classifier", "", f"--dataset is missing; expected one of {DATASETS}"),
    ("train_classifier", "--dataset=digits more", "unexpected argument 'more'; expected flags only"),
]


@pytest.fixture(scope="module")
def light(tmp_path_factory, repository):
    """The PYTHONPATH on which importing TensorFlow or VTK fails."""
    directory = tmp_path_factory.mktemp("light")
    for name in ("tensorflow", "vtk", "vtkmodules"):
        (directory / f"{name}.py").write_text(f"raise SystemExit('{name} was imported')")
    return f"{directory}{os.pathsep}{repository}"


@pytest.mark.parametrize("tool", HELP)
def test_help_names_flags_and_examples(run, light, tool):
    name, *arguments = tool.split()
    finished = run(name, *arguments, "--help", PYTHONPATH=light)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert [words for words in HELP[tool] if words not in finished.stdout] == []


@pytest.mark.parametrize(("tool", "line", "sentence"), REFUSED)
def test_a_bad_command_line_is_one_sentence_before_any_work(
        run, refused, light, tmp_path, tool, line, sentence):
    for name in ("here", "b.csv", "c.png"):
        (tmp_path / name).mkdir()
    (tmp_path / "file").touch()
    finished = run(tool, *line.split(), PYTHONPATH=light)
    assert (refused(finished), finished.stdout) == (sentence, "")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["b.csv", "c.png", "file", "here"]
