"""Errors as vLLM words and shapes them: `{"error": {"message", "type", "param", "code"}}`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_REPORTED = 10


class ApiError(Exception):
    """A request that gets an error for an answer. `status` is the HTTP status."""

    def __init__(self, status: int, kind: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.param = param

    def body(self) -> dict[str, Any]:
        """The JSON object of the answer."""
        error = {"message": str(self), "type": self.kind, "param": self.param, "code": self.status}
        return {"error": error}


def bad_value(message: str, param: str | None = None, value: Any = None) -> ApiError:
    """A 400 for a value that is well-formed but not allowed; names it as vLLM's validation errors do."""
    named = [f"{name}={item}" for name, item in (("parameter", param), ("value", value)) if item is not None]
    return ApiError(400, "BadRequestError", f"{message} ({', '.join(named)})" if named else message, param)


def bad_body(errors: Sequence[dict[str, Any]]) -> ApiError:
    """A 400 for a body that does not fit the request's model; `errors` are pydantic's, below `body`."""
    lines = []
    for error in errors[:_REPORTED]:
        told = {key: error[key] for key in ("type", "loc", "msg", "input") if key in error}
        lines.append(f"  {told | {'input': _short(told.get('input'))}}")
    count = len(errors)
    label = "error" if count == 1 else "errors"
    if count > _REPORTED:
        lines.append(f"  ...and {count - _REPORTED} more {label}")
    message = "\n".join([f"{count} validation {label}:", *lines])
    return ApiError(400, "Bad Request", message, errors[0]["loc"] if errors else None)


def unknown_model(name: str, served: str) -> ApiError:
    """The 404 for a model that is not served here."""
    message = f"The model `{name}` does not exist. Valid aliases: {served}."
    return ApiError(404, "NotFoundError", message, "model")


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= 200 else value[:200] + "...[truncated]"
    if isinstance(value, list | dict | bytes):
        return f"<{type(value).__name__} of {len(value)} items>"
    return value
