"""Checks of what `client.connect` is given."""

import numbers
import operator
import re

from eig_tf.errors import UserError

_ADDRESSES = "grpc://HOST:PORT, HOST:PORT or dns:///HOST:PORT for the same, or http://HOST:PORT"
# Versions are 64-bit integers; more seconds overflow in the libraries that wait.
_LARGEST, _LONGEST_TIMEOUT = 2**63 - 1, 1e6


def read_address(address):
    """Tells REST from gRPC.

    Args:
        address: see `client.connect`.

    Returns:
        Whether it is one for REST, and what the transport takes: a URL, or `host:port`.

    Raises:
        UserError: it is no address.
    """
    address = str(address)
    found = re.fullmatch(r"(?:(grpc|https?)://|dns:///)?([^/\s]+?)(:\d+)?(/\S*)?", address)
    scheme, host, port, path = found.groups() if found and _is_unicode(address) else (None,) * 4
    rest = scheme in ("http", "https")
    if not host or not (rest or (port and not path)):
        raise UserError(f"the address is {address!r}; expected {_ADDRESSES}")
    return rest, address.rstrip("/") if rest else f"{host}{port}"


def check_model(model):
    """Raises a `UserError` unless it can be the name of a model."""
    if not isinstance(model, str) or not model or not _is_unicode(model):
        raise UserError(f"the model's name is {model!r}; expected the one that the server was given")


def read_whole(name, value, least):
    """An integer of any type as an int.

    Raises:
        UserError: it is none from `least` to 2^63 - 1; the sentence names it by `name`.
    """
    try:
        whole = int(operator.index(value))
    except TypeError:
        whole = None
    if whole is None or not least <= whole <= _LARGEST:
        raise UserError(f"{name} is {value!r}; expected a whole number from {least} to {_LARGEST}")
    return whole


def read_timeout(timeout):
    """Seconds as a float; raises a `UserError` unless they are above 0 and at most 1e6."""
    if not isinstance(timeout, numbers.Real) or not 0 < timeout <= _LONGEST_TIMEOUT:
        raise UserError(f"timeout is {timeout!r}; expected seconds, above 0 to {_LONGEST_TIMEOUT:.0f}")
    return float(timeout)


def _is_unicode(text):
    """Whether it has no lone surrogates, such as those of a command line in another encoding."""
    return not re.search("[\ud800-\udfff]", text)
