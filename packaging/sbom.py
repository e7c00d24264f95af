#!/usr/bin/env python3
"""Prints a CycloneDX 1.5 list of what a release is built from, read from Cargo.lock and `cargo metadata`."""

import json
import pathlib
import subprocess
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[1]


def main() -> None:
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--manifest-path", str(ROOT / "Cargo.toml")]
    metadata = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    sums = {
        (package["name"], package["version"]): package.get("checksum")
        for package in tomllib.loads((ROOT / "Cargo.lock").read_text(encoding="utf-8"))["package"]
    }

    def purl(package: dict) -> str:
        return f"pkg:cargo/{package['name']}@{package['version']}"

    # What tests alone need is not in the program.
    root = metadata["resolve"]["root"]
    edges, open_nodes = {}, [root]
    while open_nodes:
        name = open_nodes.pop()
        if name in edges:
            continue
        used = [dep["pkg"] for dep in nodes[name]["deps"] if any(kind["kind"] != "dev" for kind in dep["dep_kinds"])]
        edges[name] = used
        open_nodes.extend(used)

    components = []
    for name in sorted(edges, key=lambda name: purl(packages[name])):
        package = packages[name]
        if name == root:
            continue
        component = {"type": "library", "bom-ref": purl(package), "name": package["name"], "version": package["version"], "purl": purl(package)}
        if package["license"]:
            component["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
        if checksum := sums.get((package["name"], package["version"])):
            component["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        components.append(component)
    own = packages[root]
    print(
        json.dumps(
            {
                "bomFormat": "CycloneDX",
                "specVersion": "1.5",
                "version": 1,
                "metadata": {
                    "component": {
                        "type": "application",
                        "bom-ref": purl(own),
                        "name": own["name"],
                        "version": own["version"],
                        "purl": purl(own),
                        "licenses": [{"expression": own["license"]}],
                    }
                },
                "components": components,
                "dependencies": [
                    {"ref": purl(packages[name]), "dependsOn": sorted({purl(packages[used]) for used in edges[name]})}
                    for name in sorted(edges, key=lambda name: purl(packages[name]))
                ],
            },
            indent=2,
        )
    )


main()
