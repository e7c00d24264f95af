#!/usr/bin/env bash
# The steps of action.yml: build, scan, verdict.
#
# Every value comes from the environment and is used as one word, never as shell text. While scanned
# content can reach the log, workflow commands are switched off: a file name such as `::add-mask::x`
# is only a name.
set -euo pipefail

# A line end in a message could start a workflow command.
fail() {
  printf '::error title=keysweep::%s\n' "${1//[$'\r\n']/ }"
  exit "${2:-2}"
}

# One line `name=value`; a value with a line end could write outputs of its own.
output() {
  case "$2" in
    *$'\n'* | *$'\r'*) fail "the value of $1 holds a line end" ;;
  esac
  printf '%s=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"
}

build() {
  local binary="${KEYSWEEP_BINARY:-}"
  if [ -z "$binary" ]; then
    command -v cargo >/dev/null 2>&1 ||
      fail "cargo is not on this runner: install Rust 1.90 or later in a step before, or pass the input binary"
    local target="${RUNNER_TEMP:-/tmp}/keysweep-target"
    # From the action's folder, so that no toolchain file or cargo configuration of the scanned repository counts.
    (cd "$GITHUB_ACTION_PATH" && CARGO_TARGET_DIR="$target" cargo build --release --locked)
    binary="$target/release/keysweep"
  fi
  [ -x "$binary" ] || fail "there is no program at $binary"
  output binary "$(cd "$(dirname "$binary")" && pwd)/$(basename "$binary")"
}

is_commit_id() {
  [[ "$1" =~ ^[0-9a-f]{40}([0-9a-f]{24})?$ ]] && [[ ! "$1" =~ ^0+$ ]]
}

# Whether the clone holds the commit. git runs nothing here, so the owner of the folder does not matter.
has_commit() {
  GIT_NO_LAZY_FETCH=1 git -C "$INPUT_PATH" -c safe.directory='*' cat-file -e "$1^{commit}" 2>/dev/null
}

# The two ends of a range, or what to do about it.
between() {
  local base="$1" head="$2" id
  for id in "$base" "$head"; do
    is_commit_id "$id" || fail "the event names no commit where one was expected; set the input range to A..B"
    command -v git >/dev/null 2>&1 || fail "git is not on this runner; install it before actions/checkout"
    has_commit "$id" ||
      fail "the clone lacks commit $id: give actions/checkout fetch-depth: 0, so that the base of the change is there"
  done
  range="$base..$head"
}

# Sets mode and range from the inputs and the event.
choose() {
  mode="$INPUT_MODE"
  range="$INPUT_RANGE"
  case "$mode" in
    tree | history)
      [ -z "$range" ] || fail "the input range needs mode range or auto, not $mode"
      return
      ;;
    range | auto) ;;
    *) fail "mode must be auto, tree, range or history" ;;
  esac
  if [ -n "$range" ]; then
    mode=range
    return
  fi
  case "$EVENT_NAME" in
    pull_request | pull_request_target) between "$EVENT_PR_BASE" "$EVENT_PR_HEAD" ;;
    merge_group) between "$EVENT_GROUP_BASE" "$EVENT_GROUP_HEAD" ;;
    push) pushed ;;
    *)
      [ "$mode" = auto ] || fail "the event $EVENT_NAME has no range; set the input range to A..B, or mode to tree or history"
      mode=history
      return
      ;;
  esac
  [ "$mode" = history ] || mode=range
}

pushed() {
  if is_commit_id "$EVENT_BEFORE" && has_commit "$EVENT_BEFORE"; then
    between "$EVENT_BEFORE" "$EVENT_AFTER"
    return
  fi
  if is_commit_id "$EVENT_BEFORE" && [ -e "$INPUT_PATH/.git/shallow" ]; then
    fail "the clone lacks commit $EVENT_BEFORE: give actions/checkout fetch-depth: 0, so that the base of the push is there"
  fi
  # A new branch, or one that was pushed with force: what it has and the default branch has not.
  local base="refs/remotes/origin/$EVENT_DEFAULT_BRANCH"
  if is_commit_id "$EVENT_AFTER" && base="$(GIT_NO_LAZY_FETCH=1 git -C "$INPUT_PATH" -c safe.directory='*' \
    rev-parse --verify --quiet --end-of-options "$base^{commit}")" && [ "$base" != "$EVENT_AFTER" ]; then
    between "$base" "$EVENT_AFTER"
  else
    echo "The event names no commit before this one: the whole history is scanned."
    mode=history
  fi
}

scan() {
  # A path that starts with a dash is still a path.
  case "$INPUT_PATH" in
    -*) INPUT_PATH="./$INPUT_PATH" ;;
  esac
  [ -d "$INPUT_PATH" ] || [ "$INPUT_MODE" = tree ] || fail "there is no folder at the input path; is actions/checkout missing?"
  choose

  local temp report sarif="" status=0 arguments=() more line
  temp="$(mktemp -d "${RUNNER_TEMP:-/tmp}/keysweep.XXXXXX")"
  report="$temp/report.jsonl"
  [ -z "$INPUT_CONFIG" ] || arguments+=("--config=$INPUT_CONFIG")
  more=(${arguments[@]+"${arguments[@]}"})
  [ -z "$INPUT_FAIL_ON" ] || arguments+=("--fail-on=$INPUT_FAIL_ON")
  [ -z "$INPUT_MIN_CONFIDENCE" ] || arguments+=("--min-confidence=$INPUT_MIN_CONFIDENCE")
  while IFS= read -r line; do
    line="${line%$'\r'}"
    [ -z "$line" ] || arguments+=("$line")
  done <<<"$INPUT_EXTRA_ARGS"
  arguments+=("--format=human=$temp/report.txt" "--format=jsonl=$report")
  case "$mode" in
    tree) arguments=(scan "${arguments[@]}" -- "$INPUT_PATH") ;;
    range) arguments=(git "${arguments[@]}" "--range=$range" -- "$INPUT_PATH") ;;
    history) arguments=(git "${arguments[@]}" -- "$INPUT_PATH") ;;
  esac

  local stop
  stop="keysweep-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
  printf '::stop-commands::%s\n' "$stop"
  "$KEYSWEEP" "${arguments[@]}" </dev/null || status=$?
  if [ -f "$temp/report.txt" ]; then
    cat "$temp/report.txt"
  fi
  local uploaded=0
  if [ -n "$INPUT_SARIF" ] && [ "$status" -ne 2 ]; then
    # A run of its own that fails nothing: the gate is the first run's business.
    more+=("--min-confidence=${INPUT_MIN_CONFIDENCE:-medium}")
    "$KEYSWEEP" scan "${more[@]}" --exit-code=0 --allow-incomplete "--format=sarif=$INPUT_SARIF" \
      -- "$INPUT_PATH" </dev/null || uploaded=$?
  fi
  printf '::%s::\n' "$stop"
  [ "$uploaded" -eq 0 ] || fail "the SARIF report could not be written (exit status $uploaded)"
  [ -z "$INPUT_SARIF" ] || [ "$status" -eq 2 ] || sarif="$INPUT_SARIF"

  # The last line of the JSON lines is the summary; a quote inside a string is escaped, so this cannot be faked.
  local findings="" failing=""
  if [ -f "$report" ]; then
    findings="$(sed -n '$s/.*"summary":{"findings":\([0-9]*\),.*/\1/p' "$report")"
    failing="$(sed -n '$s/.*"summary":{[^}]*"failing":\([0-9]*\),.*/\1/p' "$report")"
  else
    report=""
  fi
  output findings "$findings"
  output failing "$failing"
  output exit-status "$status"
  output report "$report"
  output sarif "$sarif"
  if [ -n "$sarif" ] && [ "$INPUT_UPLOAD" = true ]; then
    output upload true
  else
    output upload false
  fi
  summary "$temp/report.txt" "$status" "$findings" "$failing"
}

# Indented by four spaces, the report is a code block that nothing inside can end.
summary() {
  [ -n "${GITHUB_STEP_SUMMARY:-}" ] || return 0
  {
    printf '## keysweep\n\n'
    case "$2" in
      0) printf 'Nothing at or over the threshold was found.\n\n' ;;
      2) printf 'The scan could not be done; the log says why.\n\n' ;;
      3) printf '**Incomplete:** something in the scope could not be read, and nothing was found in the rest.\n\n' ;;
      *) printf '**%s of %s findings fail the job.** Every secret below must be rotated; deleting the line is not enough.\n\n' "$4" "$3" ;;
    esac
    if [ "$mode" = range ]; then
      printf 'Scanned: what the commits of the change bring in.\n\n'
    elif [ "$mode" = tree ]; then
      printf 'Scanned: the files of the checkout.\n\n'
    else
      printf 'Scanned: the whole history.\n\n'
    fi
    if [ -f "$1" ]; then
      # GitHub takes 1 MiB of summary.
      head -c 900000 "$1" | sed 's/^/    /'
      printf '\n'
    fi
  } >>"$GITHUB_STEP_SUMMARY"
}

verdict() {
  case "$EXIT_STATUS" in
    0) ;;
    1) fail "keysweep found secrets; the job summary has each with its rotation steps" 1 ;;
    2) fail "keysweep could not scan; the log of the step Scan says why" 2 ;;
    3)
      fail "the scan is incomplete (shallow clone? actions/checkout with fetch-depth: 0 gets everything); the job summary lists the gaps" 3
      ;;
    '') fail "the scan did not run" 2 ;;
    *) fail "keysweep ended with $EXIT_STATUS" 1 ;;
  esac
}

case "${1:-}" in
  build | scan | verdict) "$1" ;;
  *) fail "usage: run.sh build|scan|verdict" ;;
esac
