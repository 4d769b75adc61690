"""Structured logs on stderr: one JSON object a line, or readable lines on a terminal."""

import json
import logging
import sys
import traceback
from collections import OrderedDict
from datetime import UTC, datetime

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class TerminalFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items())
        trace = "\n" + self.formatException(record.exc_info) if record.exc_info else ""
        return f"{time} {record.levelname.lower():7} {record.getMessage()}{fields}{trace}"


class Repeats(logging.Filter):
    """Lets each fault through once, whoever logs it, and again after a while with how often it was seen meanwhile
    (`repeats`): who knows a way to make the server fail cannot fill its log by it."""

    QUIET_S = 3600.0
    MOST = 1000
    """Places that are remembered; beyond, the one that was seen first is forgotten."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._last: BaseException | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            return True
        if error is self._last:  # by a library, too, to which it was passed on
            return False
        self._last = error
        place = _place(error)
        since, count = self._seen.get(place, (None, 0))
        if since is not None and record.created - since < self.QUIET_S:
            self._seen[place] = since, count + 1
            return False
        if count:
            record.repeats = count
        self._seen[place] = record.created, 0
        if len(self._seen) > self.MOST:
            self._seen.popitem(last=False)
        return True


def _place(error: BaseException) -> str:
    """What has failed, and where in the code."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else str(error)
    return f"{type(error).__name__} {where}"


def start_logging(level: int = logging.INFO) -> None:
    """Send the log of Sshore and its libraries to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TerminalFormatter() if sys.stderr.isatty() else JsonFormatter())
    handler.addFilter(Repeats())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("uvicorn", "alembic", "asyncio"):
        logging.getLogger(noisy).setLevel(max(level, logging.WARNING))
