"""A figure and its target; the table of all, and the JSON file."""

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    `value` and `base` are in `unit`; `base` is what it is compared with, measured in the same run. `compared` is the
    number that `least` or `most` speaks of, named by `target`; without a target, it is there to be known.
    """

    part: str
    name: str
    value: float
    unit: str
    base: float | None = None
    target: str = ""
    compared: float | None = None
    least: float | None = None
    most: float | None = None
    samples: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        return self.value / self.base if self.base else None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        if self.compared is None or (self.least is None and self.most is None):
            return None
        return (self.least is None or self.compared >= self.least) and (self.most is None or self.compared <= self.most)

    @property
    def document(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": self.ratio, "met": self.met}


def table(figures: Sequence[Figure]) -> str:
    """The figures in aligned columns."""
    rows = [("", "what", "measured", "base", "ratio", "target", "met"), *map(_row, figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def write_json(path: Path, figures: Sequence[Figure], **about: Any) -> None:
    """Write the figures with what is to be known about the run."""
    document = {"machine": machine(), **about, "figures": [figure.document for figure in figures]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2, default=str) + "\n")


def machine() -> dict[str, Any]:
    """What it was measured on."""
    version = subprocess.run(["ssh", "-V"], capture_output=True, text=True, check=False).stderr.strip()
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "kernel": platform.release(),
        "cpu": _cpu(),
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "openssh": version,
        "load": os.getloadavg(),
    }


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "?")


def _row(figure: Figure) -> tuple[str, str, str, str, str, str, str]:
    base = "" if figure.base is None else _number(figure.base, figure.unit)
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
    met = {True: "yes", False: "NO", None: ""}[figure.met]
    return (figure.part, figure.name, _number(figure.value, figure.unit), base, ratio, figure.target, met)


def _number(value: float, unit: str) -> str:
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:.{digits}f} {unit}"
