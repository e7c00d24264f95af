#!/usr/bin/env bash
# Makes every package from the archives of a release: all.sh FOLDER OWNER
#
# FOLDER holds keysweep-vVERSION-TARGET.tar.gz, one for each target that was built; packages are made for those, and
# sums and the formula at the end. The program in each package is the one of the archive, byte for byte.
set -euo pipefail

[ "$#" -eq 2 ] || { echo "usage: all.sh FOLDER OWNER" >&2; exit 2; }
folder="$(cd "$1" && pwd)" owner="$2"
packaging="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

npm=() host=""
for archive in "$folder"/keysweep-v*.tar.gz; do
  target="$(basename "$archive" .tar.gz | sed 's/^keysweep-v[^-]*-//')"
  mkdir "$work/$target"
  tar -xzf "$archive" -C "$work/$target"
  program="$work/$target/keysweep"
  [ -e "$program" ] || program="$program.exe"
  if [ -z "$host" ] && "$program" --version >/dev/null 2>&1; then host="$program"; fi
  case "$target" in
    *-gnu) ;; # the musl wheel runs wherever this one would
    *) python3 "$packaging/python/wheel.py" "$program" "$target" "$folder" && npm+=("$target=$program") ;;
  esac
done
for target in x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu; do
  [ -d "$work/$target" ] || continue
  case "$target" in x86_64*) architecture=amd64 ;; *) architecture=arm64 ;; esac
  KEYSWEEP_HOST="$host" bash "$packaging/debian/build.sh" "$work/$target/keysweep" "$architecture" "$folder"
done
[ "${#npm[@]}" -eq 0 ] || node "$packaging/npm/pack.mjs" "$folder" "${npm[@]}"
python3 "$packaging/sbom.py" >"$folder/keysweep.cdx.json"
(cd "$folder" && sha256sum -- keysweep* >"$work/SHA256SUMS" && mv "$work/SHA256SUMS" SHA256SUMS)
# The formula names four archives; a release that was built for less has none.
if [ "$(grep -cE -- '-(x86_64|aarch64)-(apple-darwin|unknown-linux-musl)\.tar\.gz$' "$folder/SHA256SUMS")" -eq 4 ]; then
  bash "$packaging/homebrew/formula.sh" "$owner" "$folder/SHA256SUMS" >"$folder/keysweep.rb"
fi
