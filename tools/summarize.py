"""Print a Markdown table of means over evaluations, beside the paper's numbers, and one of categories.

    python tools/summarize.py runs/*/evaluation.json
"""

from __future__ import annotations

from eig_tf.cli import command
from eig_tf.errors import UserError


def main(arguments: list[str]) -> None:
    """Summarize the files that the command line names."""
    if not arguments:
        raise UserError("no file is named; expected one or more evaluation.json")
    from eig_tf.evaluation import summary
    evaluations = [summary.read_evaluation(path) for path in arguments]
    print(summary.markdown_table(evaluations))
    with_categories = [evaluation for evaluation in evaluations if evaluation.record.categories]
    if with_categories:
        print(f"\n{summary.category_table(with_categories)}")


if __name__ == "__main__":
    command.run_command(main, __doc__)
