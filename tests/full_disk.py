"""Builds on a small disk that fills up: `unshare -rm python -m tests.full_disk FOLDER`, in a mount namespace of its own.

Prints what each build that failed said, as JSON; it ends in an error where an old version did not answer on, or no build succeeded.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from corpus.errors import BuildFailed
from tests.stage import Stage

SIZE, STEP = 600_000, 8192
"""Bytes of the disk: two versions fit, with what a third needs while it is built; bytes that are freed between two tries."""


def main(folder: Path) -> list[str]:
    small = folder / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", small], check=True)
    stage = Stage(folder, first=False)
    stage.index = small / "index"
    stage.publish("live")
    said: list[str] = []
    filler = small / "filler"
    free = shutil.disk_usage(small).free
    filler.write_bytes(b"x" * free)
    for spare in range(0, free, STEP):
        with filler.open("r+b") as file:
            file.truncate(free - spare)
        try:
            stage.publish("new")
        except BuildFailed as error:
            said.append(str(error))
            assert stage.state() == "live"
        else:
            break
    assert stage.state() == "new"
    return said


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]))))
