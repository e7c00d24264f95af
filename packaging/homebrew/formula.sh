#!/usr/bin/env bash
# Writes the Homebrew formula of a release: formula.sh OWNER SHA256SUMS >keysweep.rb
set -euo pipefail

[ "$#" -eq 2 ] || { echo "usage: formula.sh OWNER SHA256SUMS" >&2; exit 2; }
owner="$1" sums="$2"
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
version="$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml" | head -n 1)"

# The address of a target's archive, and its sum.
archive() {
  local name="keysweep-v$version-$1.tar.gz" sum
  sum="$(sed -n "s/^\([0-9a-f]\{64\}\) [ *]$name\$/\1/p" "$sums")"
  [ -n "$sum" ] || { echo "$sums has no $name" >&2; exit 1; }
  printf '      url "https://github.com/%s/keysweep/releases/download/v%s/%s"\n      sha256 "%s"\n' "$owner" "$version" "$name" "$sum"
}

cat <<FORMULA
class Keysweep < Formula
  desc "Finds hard-coded tokens in files and git history"
  homepage "https://github.com/$owner/keysweep"
  version "$version"
  license "Apache-2.0"

  on_macos do
    on_arm do
$(archive aarch64-apple-darwin)
    end
    on_intel do
$(archive x86_64-apple-darwin)
    end
  end

  on_linux do
    on_arm do
$(archive aarch64-unknown-linux-musl)
    end
    on_intel do
$(archive x86_64-unknown-linux-musl)
    end
  end

  def install
    bin.install "keysweep"
    generate_completions_from_executable(bin/"keysweep", "completions")
    mkdir "man"
    system bin/"keysweep", "man", "man"
    man1.install Dir["man/*.1"]
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/keysweep --version")
    (testpath/"clean.txt").write "nothing"
    system bin/"keysweep", "scan", "clean.txt"
  end
end
FORMULA
