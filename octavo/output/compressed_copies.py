"""Compressed copies beside the files of a site.

They are for hosts that send these.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from octavo.base.digest import Digest, digest_bytes
from octavo.base.shortage import raise_if_shortage
from octavo.output import compress
from octavo.output.publish_errors import NotStaged
from octavo.output.staging import FileToPublish, StagingFolder, staged_at


def stage_copies(
    forms: tuple[str, ...],
    files: Mapping[str, FileToPublish],
    output: Path,
    intact: Mapping[str, Digest],
    staging: StagingFolder,
) -> dict[str, FileToPublish]:
    """The copies of files, each in all forms that make it smaller.

    ``intact`` are the published files, made by the same recipe, that are as they should be: copies of those that stay
    stay as well. The others are staged. Raises NotStaged for a file that has gone meanwhile.
    """
    copies: dict[str, FileToPublish] = {}
    to_do: list[tuple[str, str]] = []
    for path, file in files.items():
        if not path.endswith(compress.COMPRESSED_ENDINGS):
            continue
        for form in forms:
            copy = f"{path}.{form}"
            if intact.get(path) == file.digest and copy in intact:
                copies[copy] = FileToPublish(intact[copy])
            elif copy not in files:
                to_do.append((path, form))

    def stage_copy(path: str, form: str) -> Digest | None:
        data = _read_file(path, files[path], output, staging)
        small = compress.compress_bytes(data, form)
        if len(small) >= len(data):
            return None
        staging.write(f"{path}.{form}", small)
        return digest_bytes(small)

    with ThreadPoolExecutor(os.cpu_count()) as threads:  # what compresses does so outside of Python's lock
        for (path, form), content in zip(to_do, threads.map(stage_copy, *zip(*to_do, strict=True)), strict=True):
            if content is not None:
                copies[f"{path}.{form}"] = FileToPublish(content)
    return copies


def _read_file(path: str, file: FileToPublish, output: Path, staging: StagingFolder) -> bytes:
    """The bytes of a file of the site, wherever they are: at their source, staged, or published."""
    staged = Path(staged_at(staging.folder, path))
    try:
        return (file.source or (staged if staged.exists() else output / path)).read_bytes()
    except OSError as problem:
        raise_if_shortage(problem)
        raise NotStaged((path,)) from None
