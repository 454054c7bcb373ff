"""The loaders: one module for each data set, with the name that `--dataset` takes.

A loader of a small set that is read into memory has

- `load_images(directory=None)`: returns the `ImageSet`;
- `check_directory(directory, config)`, where the directory may be None or missing.

A loader of a set of files, which are decoded into the cache, has

- `DECODER_VERSION`: an integer, raised when the images that `decode` returns change;
- `list_files(directory, config)`: returns the `Listing`; raises `UserError` when training cannot start;
- `check_directory(directory, config)`, where the directory exists;
- `USER_IMAGES = True` when the images are the user's own: the directory may be a file, and
  `tools/preview_data.py --check` reads the images and suggests settings.

`check_directory` returns lines of text on what the directory contains and lacks, without decoding images.

`eig_tf.data.registry` finds the modules. A new data set needs a module here, a preset in `configs/` and a
test.
"""
