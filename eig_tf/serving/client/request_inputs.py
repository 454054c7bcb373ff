"""A request's inputs, checked against what the server says of the signature before they are sent."""

import numpy as np
from eig_tf.serving.client.model_client.transport import ServingError


def prepare(name, signature, inputs):
    """Makes arrays of the types that a signature takes.

    Numbers are converted where nothing but precision can be lost, texts are encoded as UTF-8.

    Args:
        name: of the signature, for messages.
        signature: a `Signature`.
        inputs: arrays, or what NumPy makes arrays of, by name.

    Returns:
        Arrays by name; those of bytes have the type `object`.

    Raises:
        ServingError: an input is missing or unknown, or has another type or shape.
    """
    if set(inputs) != set(signature.inputs):
        raise _bad(f"the signature {name!r} is given the inputs {_listed(inputs)}; expected "
                   f"{_listed(signature.inputs)}")
    arrays = {key: _to_array(key, inputs[key], info) for key, info in signature.inputs.items()}
    for key, info in signature.inputs.items():
        _check_shape(key, arrays[key], info)
    return arrays


def independent_rows(signature, arrays):
    """How many rows the inputs have, when rows stand for themselves, so that a batch may be split.

    A server that batches requests takes rows for independent likewise: by their free first size.

    Args:
        signature: a `Signature`.
        arrays: what `prepare` returns.

    Returns:
        The number of rows; None where rows are not independent, or inputs differ in their number.

    Raises:
        ServingError: there are no rows.
    """
    tensors = [*signature.inputs.values(), *signature.outputs.values()]
    if not arrays or not all(info.shape and info.shape[0] is None for info in tensors):
        return None
    rows = {len(array) for array in arrays.values()}
    if rows == {0}:
        raise _bad(f"the inputs {_listed(arrays)} have no rows; expected 1 or more")
    return rows.pop() if len(rows) == 1 else None


def _to_array(key, value, info):
    is_string = info.dtype == "string"
    try:
        dtype = np.dtype(object if is_string else info.dtype)
        # As strings of NumPy's own, bytes would lose zeros at their end.
        array = np.array(value, dtype=object) if is_string else np.asarray(value)
    except (ValueError, TypeError) as error:
        raise _bad(f"the input {key!r} makes no array ({error}); expected {info}") from None
    if is_string:
        return _to_bytes(key, array, info)
    # Without values there is nothing that a type could lose; NumPy takes an empty list for floats.
    if array.size and not np.can_cast(array.dtype, dtype, "same_kind"):
        found = "text" if array.dtype.kind in "US" else array.dtype.name
        raise _bad(f"the input {key!r} is {found}; expected {info}")
    if array.size and dtype.kind in "iu":
        smallest, largest = int(array.min()), int(array.max())
        if smallest < np.iinfo(dtype).min or largest > np.iinfo(dtype).max:
            raise _bad(f"the input {key!r} ranges from {smallest} to {largest}; expected {info}")
    with np.errstate(over="ignore"):
        return array.astype(dtype)


def _to_bytes(key, array, info):
    for index, value in np.ndenumerate(array):
        if isinstance(value, str):
            try:
                array[index] = value.encode()
            except UnicodeEncodeError:
                raise _bad(f"the input {key!r} holds {value[:50]!r}, which is no Unicode; expected "
                           f"bytes, {info}") from None
        elif not isinstance(value, bytes):
            raise _bad(f"the input {key!r} holds {type(value).__name__}; expected bytes, {info}")
    return array


def _check_shape(key, array, info):
    if info.shape is None:
        return
    fits = array.ndim == len(info.shape) and all(
        expected in (None, found) for found, expected in zip(array.shape, info.shape))
    if not fits:
        raise _bad(f"the input {key!r} has the shape {list(array.shape)}; expected {info}")


def _listed(names):
    return ", ".join(map(str, sorted(names))) or "none"


def _bad(message):
    return ServingError("INVALID_ARGUMENT", message)
