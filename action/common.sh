# shellcheck shell=bash
# What the parts of run.sh share.

# Text for a workflow command: a line end in it could start a command of its own.
plain() {
  local text="${1//%/%25}"
  printf '%s' "${text//[$'\r\n']/ }"
}

fail() {
  printf '::error title=keysweep::%s\n' "$(plain "$1")"
  exit "${2:-2}"
}

# Something the reader of a green run should know; it stands in the summary, too.
notes=()
notice() {
  printf '::notice title=keysweep::%s\n' "$(plain "$1")"
  notes+=("$1")
}

# One line `name=value`; a value with a line end could write outputs of its own.
output() {
  case "$2" in
    *$'\n'* | *$'\r'*) fail "the value of $1 holds a line end" ;;
  esac
  printf '%s=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"
}

# git without hooks, lazy fetches and questions about who owns the folder: only what reads objects is called.
repository() {
  GIT_NO_LAZY_FETCH=1 GIT_OPTIONAL_LOCKS=0 GIT_LITERAL_PATHSPECS=1 \
    git -C "$INPUT_PATH" -c safe.directory='*' -c core.fsmonitor=false "$@" 2>/dev/null
}
