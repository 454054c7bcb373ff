"""The error that a user can mend."""


class UserError(ValueError):
    """Bad input: one sentence that names the file, field or flag, what was found and what is expected.

    Commands print the sentence and exit with status 2.
    """
