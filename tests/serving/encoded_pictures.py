"""Pictures as the bytes of a file."""

import io


def encode(picture, kind="PNG", **options):
    """Return a file's content; the options are those of Pillow's `save`."""
    content = io.BytesIO()
    picture.save(content, kind, **options)
    return content.getvalue()
