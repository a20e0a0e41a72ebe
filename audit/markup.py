"""What the Nu HTML checker says of every page of a site."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit


def nu_faults(folder: Path, files: Sequence[str], java: str, jar: Path) -> Mapping[str, list[str]]:
    """The errors and warnings of each file, in its order; ``files`` are paths relative to the folder."""
    command = [java, "-Xss4m", "-jar", str(jar), "--format", "json", "--stdout", "--exit-zero-always", *files]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", check=True)
    faults: dict[str, list[str]] = {file: [] for file in files}
    for message in json.loads(done.stdout)["messages"]:
        kind = message.get("subType", message["type"])
        if kind == "info":
            continue
        path = Path(unquote(urlsplit(message.get("url", "")).path))
        name = path.relative_to(folder.resolve()).as_posix() if path.is_absolute() else path.as_posix()
        place = f"{message.get('lastLine', '?')}:{message.get('firstColumn', '?')}"
        excerpt = " ".join(message.get("extract", "").split())
        faults.setdefault(name, []).append(f"{kind} {name}:{place}: {message['message']} | {excerpt}")
    return faults
