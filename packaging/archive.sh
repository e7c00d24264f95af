#!/usr/bin/env bash
# Packs a built program as a release carries it: archive.sh FOLDER_OF_PROGRAM TARGET OUT
set -euo pipefail

[ "$#" -eq 3 ] || { echo "usage: archive.sh FOLDER_OF_PROGRAM TARGET OUT" >&2; exit 2; }
folder="$1" target="$2" out="$3"
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
version="$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml" | head -n 1)"
program=keysweep
case "$target" in *-windows-*) program=keysweep.exe ;; esac

stage="$(mktemp -d)"
trap 'rm -rf "$stage"' EXIT
cp "$folder/$program" "$stage/"
cp "$root/LICENSE" "$root/README.md" "$root/CHANGELOG.md" "$stage/"
mkdir -p "$out" "$stage/man" "$stage/completions"
"$folder/$program" man "$stage/man"
for shell in bash zsh fish powershell; do
  "$folder/$program" completions "$shell" >"$stage/completions/keysweep.$shell"
done
tar -czf "$out/keysweep-v$version-$target.tar.gz" -C "$stage" "$program" LICENSE README.md CHANGELOG.md man completions
echo "$out/keysweep-v$version-$target.tar.gz"
