"""The flag of a number of categories, which may be `auto`."""

from __future__ import annotations

from absl import flags

AUTO = "auto"

# The flag is one of the module that has it defined, whose --help lists it.
flags.disclaim_key_flags()


class NumberOrAuto(flags.ArgumentParser):
    """Parse an integer, or `auto`, which stays text."""

    def parse(self, argument: str) -> int | str:
        """Return the number, or `auto`.

        Raises:
            ValueError: the argument is neither.
        """
        try:
            return argument if argument == AUTO else int(argument)
        except ValueError:
            raise ValueError(f"{argument!r} is neither a number nor {AUTO}") from None

    def flag_type(self) -> str:
        """Return what the flag holds, in words."""
        return f"integer or {AUTO}"


def define_num_categories(description: str) -> None:
    """Define `--num_categories`, None when absent."""
    flags.DEFINE(NumberOrAuto(), "num_categories", None, description, serializer=flags.ArgumentSerializer())
