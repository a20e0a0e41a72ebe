"""Perform the samples of one program: ``perform.py < steps.json``, in an empty folder of its own.

``tests/test_samples.py`` starts this in a fresh process, because Django is configured once in a process and a sample
may change whatever it likes. Steps are a JSON list of ``{"kind", "source", "line", "text", "title"}`` and are done in
order. All Python shares one namespace, a module named ``app``: not ``__main__``, so that ``app.run()`` at the foot of a
sample is not reached. Code is compiled under the path and line of the post, so a traceback shows the post's own lines.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from contextlib import redirect_stdout
from difflib import unified_diff
from pathlib import Path
from types import ModuleType


def main() -> int:
    steps = json.load(sys.stdin)
    folder = Path.cwd()
    sys.path[0] = str(folder)
    app = ModuleType("app")
    app.__file__ = str(folder / "app.py")
    sys.modules["app"] = app
    printed = ""
    for step in steps:
        match step["kind"]:
            case "file":
                path = folder / step["title"]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(step["text"], encoding="utf-8")
            case "shell":
                printed = run_shell(step)
            case "python":
                printed = run_python(step, app)
            case "output":
                stated = step["text"].strip()
                if printed.strip() != stated:
                    print(f"{step['source']}:{step['line']}: the sample printed something else", file=sys.stderr)
                    lines = unified_diff(stated.splitlines(), printed.strip().splitlines(), "stated", "printed", n=9)
                    sys.stderr.writelines(line.rstrip("\n") + "\n" for line in lines)
                    return 1
            case kind:
                raise ValueError(kind)
    return 0


def run_python(step: dict[str, str], app: ModuleType) -> str:
    code = compile("\n" * (int(step["line"]) - 1) + step["text"], step["source"], "exec", dont_inherit=True)
    with redirect_stdout(io.StringIO()) as printed:
        exec(code, vars(app))
    return printed.getvalue()


def run_shell(step: dict[str, str]) -> str:
    done = subprocess.run(["sh", "-ec", step["text"]], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{step['source']}:{step['line']}: exit status {done.returncode}\n{done.stdout}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
