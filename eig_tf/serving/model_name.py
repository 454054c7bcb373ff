"""What a served model may be called."""

import re

from eig_tf.errors import UserError


def check(name):
    """Raises a `UserError` unless a model can be called so: a path and a URL hold its name."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        raise UserError(f"--name is {name!r}; expected up to 100 letters, digits, dots, dashes and "
                        "underscores, a letter or a digit first")
