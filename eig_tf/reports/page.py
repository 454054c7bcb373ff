"""HTML pages from templates: one file each, written atomically."""

from __future__ import annotations

import os
import re
from typing import Any

import jinja2

import eig_tf
from eig_tf import files


def write_page(template: str, path: str | os.PathLike, **content: Any) -> None:
    """Write a page.

    Args:
        template: name of a template of this package.
        path: the HTML file.
        content: what the template shows. All of it is escaped.

    Raises:
        OSError: the file cannot be written.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("eig_tf.reports"), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined)
    environment.filters.update(percent=format_percent)
    text = environment.get_template(template).render(version=eig_tf.__version__, **content)
    files.write_text(re.sub(r"\n\s*\n+", "\n", text), path)


def format_percent(share: float) -> str:
    """Return a share in [0, 1] as text, `"12.3 %"`."""
    return f"{100 * share:.1f} %"
