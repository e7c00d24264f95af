#!/usr/bin/env python3
"""Puts a built keysweep into a Python wheel: wheel.py BINARY TARGET FOLDER

The wheel holds the program and nothing else, so `pip install keysweep` gives the command on the path and
pre-commit can use `language: python`. Needs Python 3.9 and no package. The same input gives the same bytes.
"""

import base64
import hashlib
import pathlib
import re
import sys
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

# A static program runs on every Linux, so it may say so for glibc and musl alike.
TAGS = {
    "x86_64-unknown-linux-musl": "manylinux_2_17_x86_64.manylinux2014_x86_64.musllinux_1_1_x86_64",
    "aarch64-unknown-linux-musl": "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64",
    # Built on a distribution with this glibc or an older one.
    "x86_64-unknown-linux-gnu": "manylinux_2_35_x86_64",
    "aarch64-unknown-linux-gnu": "manylinux_2_35_aarch64",
    "x86_64-apple-darwin": "macosx_10_12_x86_64",
    "aarch64-apple-darwin": "macosx_11_0_arm64",
    "x86_64-pc-windows-msvc": "win_amd64",
}


def manifest(key: str) -> str:
    text = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
    return re.search(rf'^{key} = "(.*)"$', text, re.MULTILINE).group(1)


def metadata() -> str:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return (
        "Metadata-Version: 2.4\n"
        f"Name: keysweep\nVersion: {manifest('version')}\n"
        f"Summary: {manifest('description')}\n"
        f"License-Expression: {manifest('license')}\nLicense-File: LICENSE\n"
        "Requires-Python: >=3.8\n"
        "Description-Content-Type: text/markdown\n\n" + readme
    )


def main() -> None:
    if len(sys.argv) != 4 or sys.argv[2] not in TAGS:
        sys.exit(f"usage: wheel.py BINARY TARGET FOLDER, where TARGET is one of\n  {chr(10).join(TAGS)}")
    binary, target, folder = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
    name = f"keysweep-{manifest('version')}"
    info, tag = f"{name}.dist-info", f"py3-none-{TAGS[target]}"
    tags = "".join(f"Tag: py3-none-{one}\n" for one in TAGS[target].split("."))
    program = "keysweep.exe" if "windows" in target else "keysweep"
    files = [
        (f"{name}.data/scripts/{program}", binary.read_bytes(), 0o100755),
        (f"{info}/METADATA", metadata().encode(), 0o100644),
        (f"{info}/WHEEL", f"Wheel-Version: 1.0\nGenerator: keysweep\nRoot-Is-Purelib: false\n{tags}".encode(), 0o100644),
        (f"{info}/licenses/LICENSE", (ROOT / "LICENSE").read_bytes(), 0o100644),
    ]
    record = ""
    for path, content, _ in files:
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(content)}\n"
    files.append((f"{info}/RECORD", f"{record}{info}/RECORD,,\n".encode(), 0o100644))
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{name}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content, mode in files:
            entry = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = mode << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    print(wheel)


main()
