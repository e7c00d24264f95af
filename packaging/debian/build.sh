#!/usr/bin/env bash
# Puts a built keysweep into a Debian package: build.sh BINARY ARCHITECTURE FOLDER
#
# ARCHITECTURE is amd64 or arm64. The program must run here, since it writes its own man pages and completions
# (or name one of the same version that does in KEYSWEEP_HOST). Needs dpkg-deb, gzip and objdump.
set -euo pipefail

[ "$#" -eq 3 ] || { echo "usage: build.sh BINARY ARCHITECTURE FOLDER" >&2; exit 2; }
binary="$1" architecture="$2" folder="$3"
host="${KEYSWEEP_HOST:-$binary}"
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
version="$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml" | head -n 1)"
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct 2>/dev/null || echo 0)}"

stage="$(mktemp -d)"
trap 'rm -rf "$stage"' EXIT
umask 022
chmod 755 "$stage"
share="$stage/usr/share"
install -D -m 755 "$binary" "$stage/usr/bin/keysweep"
mkdir -p "$share/man/man1" "$share/bash-completion/completions" "$share/zsh/vendor-completions" \
  "$share/fish/vendor_completions.d" "$share/doc/keysweep" "$stage/DEBIAN"
"$host" man "$share/man/man1"
gzip -9n "$share/man/man1"/*
"$host" completions bash >"$share/bash-completion/completions/keysweep"
"$host" completions zsh >"$share/zsh/vendor-completions/_keysweep"
"$host" completions fish >"$share/fish/vendor_completions.d/keysweep.fish"
gzip -9nc "$root/CHANGELOG.md" >"$share/doc/keysweep/changelog.gz"
cat >"$share/doc/keysweep/copyright" <<COPYRIGHT
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: keysweep

Files: *
Copyright: The keysweep authors
License: Apache-2.0
 On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.
COPYRIGHT

# A static program needs nothing; else the newest symbol version says which glibc.
glibc="$(objdump -T "$binary" 2>/dev/null | grep -o 'GLIBC_2[0-9.]*' | sed 's/GLIBC_//' | sort -Vu | tail -n 1 || true)"
{
  printf 'Package: keysweep\nVersion: %s\nArchitecture: %s\n' "$version" "$architecture"
  printf 'Section: devel\nPriority: optional\nMaintainer: The keysweep authors <keysweep@users.noreply.github.com>\n'
  printf 'Installed-Size: %s\n' "$(du -sk --apparent-size "$stage/usr" | cut -f1)"
  [ -z "$glibc" ] || printf 'Depends: libc6 (>= %s), libgcc-s1\n' "$glibc"
  printf 'Description: finds hard-coded tokens in files and git history\n'
  printf ' keysweep looks for keys, tokens and passwords in files, in what a commit or\n'
  printf ' change brings in, and in the whole history of a repository, and says step by\n'
  printf ' step how to get out of each leak. It works offline and sends nothing anywhere.\n'
} >"$stage/DEBIAN/control"

mkdir -p "$folder"
package="$folder/keysweep_${version}_$architecture.deb"
dpkg-deb --root-owner-group -Zxz --build "$stage" "$package" >/dev/null
echo "$package"
