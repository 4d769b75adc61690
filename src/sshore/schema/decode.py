"""JSON to message: the client's half of what FastAPI does on the server."""

import dataclasses
import types
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

M = TypeVar("M")


class DecodeError(ValueError):
    """The JSON does not have the message's shape: client and server are of different versions."""


def decode(message: type[M], data: Any) -> M:
    """Read a message from parsed JSON; fields that it does not know are passed over.

    Raises:
        DecodeError: a field is missing or has another type.
    """
    if not isinstance(data, dict):
        raise DecodeError(f"{message.__name__} is no JSON object")
    kind: Any = message  # mypy holds type[M] to be unhashable
    hints = _hints(kind)
    try:
        return message(**{name: _value(hints[name], value) for name, value in data.items() if name in hints})
    except (TypeError, ValueError) as error:
        raise DecodeError(f"{message.__name__}: {error}") from error


def encode(message: Any) -> dict[str, Any]:
    """A message as JSON's types."""
    return dataclasses.asdict(message)


@cache
def _hints(message: Any) -> dict[str, Any]:
    return get_type_hints(message)


def _value(kind: Any, value: Any) -> Any:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        if value is None:
            return None
        return _value(next(part for part in get_args(kind) if part is not type(None)), value)
    if origin is list:
        return [_value(get_args(kind)[0], item) for item in value]
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return decode(kind, value)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind(value)
    return value
