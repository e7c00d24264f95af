# shellcheck shell=bash
# Where keysweep comes from: a binary that is there, a release with its checksum, or a build of the action's own ref.

program() {
  local binary="${KEYSWEEP_BINARY:-}"
  if [ -n "$binary" ]; then
    [ -z "${KEYSWEEP_RELEASE:-}" ] || fail "give the input binary or the input release, not both"
  elif [ -n "${KEYSWEEP_RELEASE:-}" ]; then
    download "$KEYSWEEP_RELEASE"
  else
    build
  fi
  { [ -f "$binary" ] && [ -x "$binary" ]; } || fail "there is no program at $binary"
  output binary "$(cd "$(dirname "$binary")" && pwd)/$(basename "$binary")"
}

build() {
  command -v cargo >/dev/null 2>&1 ||
    fail "cargo is not on this runner: install Rust 1.90 or later in a step before, or use the input release or binary"
  local target="${RUNNER_TEMP:-/tmp}/keysweep-target"
  # From the action's folder, so that no toolchain file or cargo configuration of the scanned repository counts.
  (cd "$GITHUB_ACTION_PATH" && CARGO_TARGET_DIR="$target" cargo build --release --locked)
  binary="$target/release/keysweep"
}

download() {
  local tag="$1" name folder sum
  [[ "$tag" =~ ^v[0-9]+\.[0-9]+\.[0-9]+([-.][0-9A-Za-z.]+)?$ ]] || fail "the input release must be a tag such as v0.1.0"
  [[ "${ACTION_REPOSITORY:-}" =~ ^[0-9A-Za-z_.-]+/[0-9A-Za-z_.-]+$ ]] ||
    fail "the runner does not say which repository the action is from; a local action needs the input binary or a build"
  find_target
  name="keysweep-$tag-$target.tar.gz"
  folder="$(mktemp -d "${RUNNER_TEMP:-/tmp}/keysweep-release.XXXXXX")"
  fetch "$tag/$name" "$folder/$name"
  fetch "$tag/SHA256SUMS" "$folder/SHA256SUMS"
  sum="$(digest "$folder/$name")"
  grep -qxF -e "$sum  $name" -e "$sum *$name" "$folder/SHA256SUMS" || fail "$name has not the SHA-256 that SHA256SUMS names"
  # What stands beside the archive can be replaced together with it; a sum in the workflow cannot.
  [ -z "${KEYSWEEP_SHA256:-}" ] || [ "$sum" = "$KEYSWEEP_SHA256" ] || fail "$name has the SHA-256 $sum, not that of the input sha256"
  tar -xzf "$folder/$name" -C "$folder"
  binary="$folder/keysweep"
  [ -e "$binary" ] || binary="$folder/keysweep.exe"
}

# Sets target. Linux gets the static program, which runs on every distribution.
find_target() {
  local system="${RUNNER_OS:-$(uname -s)}" machine="${RUNNER_ARCH:-$(uname -m)}"
  case "$machine" in
    X64 | x86_64) machine=x86_64 ;;
    ARM64 | arm64 | aarch64) machine=aarch64 ;;
    *) fail "there is no release for $machine; leave out the input release to build it" ;;
  esac
  case "$system" in
    Linux) target="$machine-unknown-linux-musl" ;;
    macOS | Darwin) target="$machine-apple-darwin" ;;
    Windows) target=x86_64-pc-windows-msvc ;;
    *) fail "there is no release for $system; leave out the input release to build it" ;;
  esac
}

fetch() {
  curl --proto '=https' --tlsv1.2 --fail --silent --show-error --location --retry 3 --output "$2" \
    "${GITHUB_SERVER_URL:-https://github.com}/$ACTION_REPOSITORY/releases/download/$1" || fail "$1 could not be fetched"
}

digest() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -c1-64
}
