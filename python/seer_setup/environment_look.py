"""What a Python environment holds, as one line of JSON: its packages, and which of them do not lie in it.

Run by the environment's own interpreter, isolated, before anything starts. It may be an old one: then its version is
all that is told, so nothing here may need a newer one before that.
"""

import json
import os
import platform
import sys


def main():  # type: () -> None
    told = look() if sys.version_info >= (3, 10) else {}
    print(json.dumps({"version": platform.python_version(), **told}))


def look():  # type: () -> dict[str, object]
    import importlib.metadata
    import sysconfig
    from urllib.parse import unquote, urlsplit

    # A sandbox sees the environment, the Python below it, and the system's programs.
    seen = [os.path.realpath(folder) for folder in (sys.prefix, sys.base_prefix, "/usr")]

    def is_seen(path: str) -> bool:
        real = os.path.realpath(path)
        return any(real == folder or real.startswith(os.path.join(folder, "")) for folder in seen)

    def lies_in(found: importlib.metadata.Distribution) -> str:
        """The folder of its code: elsewhere for one that is used from where it is worked on (`pip install -e`)."""
        direct = json.loads(found.read_text("direct_url.json") or "{}")
        if direct.get("dir_info", {}).get("editable"):
            return unquote(urlsplit(direct["url"]).path)
        return str(found.locate_file(""))

    packages: dict[str, tuple[str, str]] = {}
    for found in importlib.metadata.distributions():
        name = found.metadata["Name"]
        if name and found.version:
            packages.setdefault(name, (found.version, lies_in(found)))
    return {
        "platform": "-".join(part for part in (sysconfig.get_platform(), platform.libc_ver()[0], sys.abiflags) if part),
        "packages": [
            {"name": name, "version": version, "elsewhere": None if is_seen(place) else place}
            for name, (version, place) in packages.items()
        ],
    }


if __name__ == "__main__":
    main()
