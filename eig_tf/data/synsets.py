"""ShapeNet's categories: synset ids, their names, and the folders that users mean by them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from eig_tf.errors import UserError

FLAG = "--config.data.categories"
# ShapeNetCore's categories by WordNet synset, which its folders are named by.
SYNSETS = {
    "02691156": "airplane", "02747177": "trash bin", "02773838": "bag", "02801938": "basket",
    "02808440": "bathtub", "02818832": "bed", "02828884": "bench", "02843684": "birdhouse",
    "02871439": "bookshelf", "02876657": "bottle", "02880940": "bowl", "02924116": "bus",
    "02933112": "cabinet", "02942699": "camera", "02946921": "can", "02954340": "cap", "02958343": "car",
    "02992529": "cellphone", "03001627": "chair", "03046257": "clock", "03085013": "keyboard",
    "03207941": "dishwasher", "03211117": "display", "03261776": "earphone", "03325088": "faucet",
    "03337140": "file cabinet", "03467517": "guitar", "03513137": "helmet", "03593526": "jar",
    "03624134": "knife", "03636649": "lamp", "03642806": "laptop", "03691459": "loudspeaker",
    "03710193": "mailbox", "03759954": "microphone", "03761084": "microwave", "03790512": "motorbike",
    "03797390": "mug", "03928116": "piano", "03938244": "pillow", "03948459": "pistol",
    "03991062": "flowerpot", "04004475": "printer", "04074963": "remote", "04090263": "rifle",
    "04099429": "rocket", "04225987": "skateboard", "04256520": "sofa", "04330267": "stove",
    "04379243": "table", "04401088": "telephone", "04460130": "tower", "04468005": "train",
    "04530566": "watercraft", "04554684": "washer"}
# Other names of folders. Plurals that add an s are understood without being listed.
_ALIASES = {
    "airplane": ("plane", "aeroplane"), "can": ("tin can",), "display": ("monitor",), "knife": ("knives",),
    "loudspeaker": ("speaker",), "motorbike": ("motorcycle",), "rifle": ("gun",), "sofa": ("couch",),
    "bus": ("buses",), "bench": ("benches",), "bookshelf": ("bookshelves",),
    "watercraft": ("vessel", "boat")}


def parse_categories(text: str, flag: str = FLAG) -> dict[str, tuple[str, bool]]:
    """Parse categories such as `"car,02691156,cup=mugs"`, in the order that defines labels.

    Args:
        text: names, synset ids or NAME=FOLDER, separated by commas.
        flag: the flag that holds the text, for errors.

    Returns:
        `{class name: (folder, or synset id or name as written; whether it was given as NAME=FOLDER)}`.

    Raises:
        UserError: a category is empty or named twice.
    """
    wanted: dict[str, tuple[str, bool]] = {}
    for part in text.split(","):
        name, equals, folder = (piece.strip() for piece in part.partition("="))
        if not name or (equals and not folder) or name in wanted:
            raise UserError(f"{flag} is {text!r}; expected different names, synset ids or "
                            "NAME=FOLDER, separated by commas")
        wanted[name] = (folder or name, bool(equals))
    return wanted


def resolve(text: str, folders: Sequence[str], flag: str = FLAG) -> tuple[dict[str, str], list[str]]:
    """Find the folder of each category.

    A name matches the folder of that name, of its synset id, or of another name of the category.

    Args:
        text: see `parse_categories`.
        folders: names of the existing folders.
        flag: see `parse_categories`.

    Returns:
        `{class name: folder}` in the order of the text, without missing categories; and the missing ones
        as they were written.

    Raises:
        UserError: a category is empty or named twice, matches two folders, or shares its folder with another.
    """
    found: dict[str, str] = {}
    missing = []
    for name, (wanted, exact) in parse_categories(text, flag).items():
        known = _names_of(wanted)
        matches = [wanted] if exact and wanted in folders else [
            folder for folder in folders if _normal(folder) in known]
        if len(matches) > 1:
            raise UserError(f"{flag}: {wanted} may be the folder {matches[0]} or "
                            f"{matches[1]}; expected one of them, or {name}={matches[0]}")
        if not matches:
            missing.append(wanted)
        elif matches[0] in found.values():
            other = next(key for key, folder in found.items() if folder == matches[0])
            raise UserError(f"{flag}: {other} and {name} are both the folder {matches[0]}; "
                            "expected one category for each folder")
        else:
            found[name] = matches[0]
    return found, missing


def title(folder: str) -> str:
    """Return the name of a folder with that of its category, `02958343 (car)`, where it is a synset id."""
    return f"{folder} ({SYNSETS[folder]})" if folder in SYNSETS else folder


def _names_of(name: str) -> Iterable[str]:
    """Return all normalized names of a category; only the name itself when ShapeNet does not have it."""
    for synset, category in SYNSETS.items():
        singular = (category, *_ALIASES.get(category, ()))
        names = {_normal(known) for word in singular for known in (word, f"{word}s")} | {synset}
        if _normal(name) in names:
            return names
    return {_normal(name)}


def _normal(name: str) -> str:
    return name.lower().replace("_", " ").replace("-", " ")
