"""Unpacks the data folder of source archives: unpack_data.py DEPS ARCHIVE...

name-1.0.tar.gz with name-1.0/name/data/x.csv (or _data/x.csv) gives DEPS/name/x.csv; a zipped
file in that folder is unzipped beside it. Only plain files are taken, by their last name.
"""

import io
import pathlib
import sys
import tarfile
import zipfile


def unpack(deps, archive):
    name = archive.name.rsplit("-", 1)[0]
    target = deps / name
    target.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as tar:
        for member in tar:
            path = pathlib.PurePosixPath(member.name)
            if not member.isfile() or path.parts[1:-1] not in ((name, "data"), (name, "_data")):
                continue
            content = tar.extractfile(member).read()
            if path.suffix == ".zip":
                unzip(content, target)
            else:
                (target / path.name).write_bytes(content)


def unzip(content, target):
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        for entry in packed.infolist():
            path = pathlib.PurePosixPath(entry.filename)
            if not entry.is_dir() and path.parts[0] != "__MACOSX":
                (target / path.name).write_bytes(packed.read(entry))


if __name__ == "__main__":
    for each in sys.argv[2:]:
        unpack(pathlib.Path(sys.argv[1]), pathlib.Path(each))
