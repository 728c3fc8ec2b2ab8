"""Turning files and dotted changes into models, and a model's complaint into one clear line."""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sim.errors import InputError

Share = Annotated[float, Field(ge=0, le=1)]
Yuan = Annotated[int, Field(ge=0, le=10**11)]  # up to 100 billion yuan
PositiveInt = Annotated[int, Field(gt=0)]


class Model(BaseModel):
    """A section of a file: unknown keys are refused, nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Text(Model):
    """A text in both languages."""

    zh: str
    en: str

    def get(self, lang: str) -> str:
        """The text in one language."""
        return self.zh if lang == "zh" else self.en


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``over`` laid on top, table by table.

    Anything but a table is replaced whole, and so is a table whose keys are numbers or bands of numbers: a
    distribution.
    """
    out = dict(base)
    for key, value in over.items():
        both_tables = isinstance(value, dict) and isinstance(out.get(key), dict)
        both_tables = both_tables and not all(str(k).replace("-", "").isdigit() for k in value)
        out[key] = merge(out[key], value) if both_tables else value
    return out


def nested(dotted: str, value: Any) -> dict[str, Any]:
    """``a.b`` and a value as ``{"a": {"b": value}}``."""
    for part in reversed(dotted.split(".")):
        value = {part: value}
    return dict(value)


def check_path(model: Any, dotted: str, where: str) -> None:
    """Does a dotted field exist? Keys below a table of data are not checked here.

    Raises
    ------
    InputError
        With the nearest valid name.
    """
    for part in dotted.split("."):
        fields = getattr(model, "model_fields", None)
        if fields is None:
            return
        if part not in fields:
            raise InputError(where, dotted, part, f"one of {sorted(fields)}", fields)
        model = _model_in(fields[part].annotation)


def adds_up(name: str, shares: Any) -> None:
    """Shares that must add up to one (for use in validators)."""
    total = sum(shares)
    if abs(total - 1) > 1e-9:
        refuse(name, f"sum {total:.6g}", "shares that add up to 1")


def refuse(field: str, value: object, allowed: str) -> None:
    """Refuse a value inside a validator, in the three parts that `as_input_error` puts together."""
    raise ValueError(f"{field}|{value}|{allowed}")


def as_input_error(model: Any, error: ValidationError, where: str) -> InputError:
    """The first complaint of a validation as an `InputError`: file, field, value, what is allowed."""
    first = error.errors()[0]
    field = ".".join(str(p) for p in first["loc"] if p != "[key]")  # an unknown key of a table is named once
    if first["type"] == "extra_forbidden":
        for part in first["loc"][:-1]:
            if isinstance(part, str) and hasattr(model, "model_fields"):
                annotation = model.model_fields[part].annotation
                inside = [a for a in get_args(annotation) if isinstance(a, type) and issubclass(a, BaseModel)]
                model = inside[0] if inside else _model_in(annotation)
        names = sorted(getattr(model, "model_fields", {}))
        return InputError(where, field, str(first["loc"][-1]), f"one of {names}", names)
    if first["type"] == "missing":
        others = [".".join(map(str, e["loc"])) for e in error.errors()[1:] if e["type"] == "missing"]
        more = f"; also missing: {', '.join(others)}" if others else ""
        return InputError(where, field, None, f"this field is needed{more}")
    if first["type"] == "value_error":
        name, value, allowed = str(first["ctx"]["error"]).split("|", 2)
        # a validator names the field from its own model on: put the path before it, nothing twice
        parts = field.split(".") if field else []
        if parts and name.split(".")[0] == parts[-1]:
            parts = parts[:-1]
        return InputError(where, ".".join([*parts, name]), value, allowed)
    if first["type"] == "dict_type" and type(first["input"]) is int:  # a number where each has its share
        example = f"{{ {first['input']} = 1.0 }}"
        return InputError(where, field, first["input"], f"values with their shares in braces, for example {example}")
    options = re.findall(r"'([^']*)'", str(first.get("ctx", {}).get("expected", "")))
    return InputError(where, field, first["input"], first["msg"], options)


def _model_in(annotation: Any) -> Any:
    """The model inside ``X``, ``X | None``; None for anything else."""
    options = get_args(annotation) if get_origin(annotation) is types.UnionType else (annotation,)
    return next((o for o in options if isinstance(o, type) and issubclass(o, BaseModel)), None)
