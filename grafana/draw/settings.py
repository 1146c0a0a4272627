"""How a field is shown: the panel's defaults with the overrides that match it, and values as words and colours."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite, log10
from typing import Any

from grafana.draw.svg import hue

STEPS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
BINARY = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))
TIMES = ((60, 1 / 60, "min"), (1, 1, "s"), (1e-3, 1e3, "ms"), (0, 1e6, "µs"))
PALETTE = (
    "#2f6feb",
    "#bc6c00",
    "#1a7f37",
    "#8250df",
    "#cf222e",
    "#0a7ea4",
    "#bf3989",
    "#7d8590",
    "#953800",
    "#4d7c0f",
)


class Settings:
    """What holds for one field of a panel."""

    def __init__(self, panel: Mapping[str, Any], name: str) -> None:
        config = panel["fieldConfig"]
        defaults = dict(config["defaults"])
        for key, value in defaults.pop("custom", {}).items():
            defaults[f"custom.{key}"] = value
        wanted = {"byName": name, "byType": "number"}
        for override in config["overrides"]:
            matcher = override["matcher"]
            if wanted.get(matcher["id"]) == matcher["options"]:
                defaults |= {each["id"]: each["value"] for each in override["properties"]}
        self._given = defaults

    def get(self, key: str, default: Any = None) -> Any:
        """A property."""
        return self._given.get(key, default)

    def shown(self, value: float) -> str:
        """The value in words: as mapped, else with its unit."""
        mapped = self._mapped(value)
        return str(mapped["text"]) if mapped else with_unit(value, self.get("unit"), self.get("decimals"))

    def colour(self, value: float) -> str:
        """The colour of the value: as mapped, else by threshold."""
        mapped = self._mapped(value)
        if mapped:
            return hue(mapped["color"])
        reached = [
            step["color"]
            for step in self.get("thresholds")["steps"]
            if step["value"] is None or value >= step["value"]
        ]
        return hue(reached[-1])

    def _mapped(self, value: float) -> dict[str, Any] | None:
        for mapping in self.get("mappings", ()):
            found: dict[str, Any] | None = mapping["options"].get(f"{value:g}")
            if found:
                return found
        return None


def with_unit(value: float, unit: str, decimals: int | None = None) -> str:
    """A value as Grafana would write it, or nearly so."""
    if not isfinite(value):
        return "–"
    if unit == "percentunit":
        return f"{_number(100 * value, 1 if decimals is None else decimals)} %"
    if unit == "s":
        scale = next((scale, name) for least, scale, name in TIMES if abs(value) >= least)
        return f"{_number(value * scale[0])} {scale[1]}" if value else "0 s"
    if unit == "bytes":
        size, name = next(((float(size), name) for size, name in BINARY if abs(value) >= size), (1.0, "B"))
        return f"{_number(value / size)} {name}"
    suffix = {"reqps": " req/s"}.get(unit, unit.partition("suffix:")[2])
    size, name = next(((size, name) for size, name in STEPS if abs(value) >= size), (1.0, ""))
    return f"{_number(value / size, decimals if size == 1 else None)}{name}{suffix}"


def _number(value: float, decimals: int | None = None) -> str:
    if decimals is None:
        digits = 2 - (int(log10(abs(value))) if abs(value) >= 1 else 0)
        decimals = max(0, digits) if abs(value) >= 0.01 or not value else 4
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
