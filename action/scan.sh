# shellcheck shell=bash
# The step Scan: one run that decides, and beside it the reports for code scanning.

# The two formats of a job that people look at.
readonly SUMMARY_FORMAT=markdown  # of the job summary
readonly ANNOTATION_FORMAT=github # of the annotations in the change: workflow commands

scan() {
  # A path that starts with a dash is still a path.
  case "$INPUT_PATH" in
    -*) INPUT_PATH="./$INPUT_PATH" ;;
  esac
  case "$INPUT_SARIF" in
    '' | *.sarif) ;;
    *) fail "the input sarif must end in .sarif, or code scanning does not take it" ;;
  esac
  mode="" range=""
  choose
  [ "$mode" = nothing ] || [ -e "$INPUT_PATH" ] || fail "there is nothing at the input path; is actions/checkout missing?"
  temp="$(mktemp -d "${RUNNER_TEMP:-/tmp}/keysweep.XXXXXX")"
  status=0 count=0 failing=0 tree_sarif="" history_sarif=""
  if [ "$mode" != nothing ]; then
    # Scanned content can reach the log from here on; workflow commands are off until it cannot.
    stop="keysweep-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
    find_policy
    decide
    report_tree
  fi
  output count "$count"
  output failing "$failing"
  output status "$status"
  output report "$([ -f "$temp/report.jsonl" ] && echo "$temp/report.jsonl")"
  output sarif "$tree_sarif"
  output history-sarif "$history_sarif"
  offer upload "$temp/tree.jsonl" "$tree_sarif"
  offer upload-history "$temp/report.jsonl" "$history_sarif"
  summary
}

# Runs keysweep and shows what it says to people. `ran` is its exit status.
keysweep() {
  ran=0
  printf '::stop-commands::%s\n' "$stop"
  "$KEYSWEEP" "$@" </dev/null || ran=$?
  [ ! -f "$temp/show.txt" ] || cat "$temp/show.txt"
  rm -f "$temp/show.txt"
  printf '::%s::\n' "$stop"
}

# Whose configuration counts for a scan of the tree: that of the base, for a change may not bring its own permission.
# (A range is looked at with that of its A by keysweep itself.)
find_policy() {
  policy=() tree_policy=()
  [ -z "$INPUT_CONFIG" ] || policy=("--config=$INPUT_CONFIG")
  tree_policy=(${policy[@]+"${policy[@]}"})
  local base
  base="$(event_base)"
  [ -z "$INPUT_CONFIG" ] && [ -n "$base" ] || return 0
  if ! has_commit "$base"; then
    tree_policy=(--no-config --no-baseline)
    [ ! -e "$INPUT_PATH/.keysweep.toml" ] ||
      notice "the clone lacks the base of the change, so .keysweep.toml is not read for the tree: a change may not bring its own permission. fetch-depth: 0, or the input config, mends that."
  else
    # With all TOML files of the base, so that what its configuration names beside itself is there.
    mkdir "$temp/base"
    tree_policy=(--no-config)
    if repository cat-file -e "$base:.keysweep.toml"; then
      GIT_NO_LAZY_FETCH=1 GIT_LITERAL_PATHSPECS=0 git -C "$(repository rev-parse --show-toplevel)" -c safe.directory='*' \
        archive --format=tar "$base" ":(glob)**/*.toml" | tar -xf - -C "$temp/base"
      tree_policy=("--config=$temp/base/.keysweep.toml")
    fi
    if repository cat-file blob "$base:.keysweepignore" >"$temp/base/ignore"; then
      tree_policy+=("--baseline=$temp/base/ignore")
    else
      tree_policy+=(--no-baseline)
    fi
  fi
}

# The run that fails or passes.
decide() {
  local arguments=() line least="$INPUT_MIN_CONFIDENCE"
  if [ "$mode" = history ] && wants_sarif && [[ "$EVENT_NAME" =~ ^(schedule|workflow_dispatch)$ ]]; then
    history_sarif="$temp/history.sarif"
    [ -z "$INPUT_SARIF" ] || history_sarif="${INPUT_SARIF%.sarif}.history.sarif"
    arguments+=("--format=sarif=$history_sarif")
    least="${least:-medium}"
  fi
  [ -z "$INPUT_FAIL_ON" ] || arguments+=("--fail-on=$INPUT_FAIL_ON")
  [ -z "$least" ] || arguments+=("--min-confidence=$least")
  while IFS= read -r line; do
    line="${line%$'\r'}"
    [ -z "$line" ] || arguments+=("$line")
  done <<<"$INPUT_EXTRA_ARGS"
  arguments+=("--format=human=$temp/show.txt" "--format=jsonl=$temp/report.jsonl" "--format=$SUMMARY_FORMAT=$temp/summary")
  [ "$ANNOTATION_FORMAT" = none ] || arguments+=("--format=$ANNOTATION_FORMAT=$temp/annotations")
  case "$mode" in
    tree) keysweep scan ${tree_policy[@]+"${tree_policy[@]}"} "${arguments[@]}" -- "$INPUT_PATH" ;;
    range) keysweep git ${policy[@]+"${policy[@]}"} "${arguments[@]}" "--range=$range" -- "$INPUT_PATH" ;;
    history) keysweep git ${policy[@]+"${policy[@]}"} "${arguments[@]}" -- "$INPUT_PATH" ;;
  esac
  status="$ran"
  [ ! -f "$temp/annotations" ] || cat "$temp/annotations"
  count="$(of_summary findings "$temp/report.jsonl")"
  failing="$(of_summary failing "$temp/report.jsonl")"
  [ "$status" -ne 2 ] || history_sarif=""
}

wants_sarif() { [ -n "$INPUT_SARIF" ] || [ "$INPUT_UPLOAD" = true ]; }

# A number of the summary, which is the last of the JSON lines; a quote in a string is escaped, so it cannot be faked.
of_summary() {
  [ ! -f "$2" ] || sed -n '$s/.*"summary":{[^}]*"'"$1"'":\([0-9]*\),.*/\1/p' "$2"
}

# The SARIF report of the whole tree, whatever was looked at to decide: code scanning takes each upload of a category
# for the full state, so what a range alone brought in would close every other alert.
report_tree() {
  wants_sarif && [ "$status" -ne 2 ] || return 0
  tree_sarif="${INPUT_SARIF:-$temp/tree.sarif}"
  local root
  # The input path may be a folder of it.
  root="$(repository rev-parse --show-toplevel)" || root="$INPUT_PATH"
  # It fails nothing: the gate is the first run's business.
  keysweep scan ${tree_policy[@]+"${tree_policy[@]}"} "--min-confidence=${INPUT_MIN_CONFIDENCE:-medium}" --exit-code=0 \
    "--format=sarif=$tree_sarif" "--format=jsonl=$temp/tree.jsonl" -- "$root"
  [ "$ran" -eq 0 ] || [ "$ran" -eq 3 ] || fail "the SARIF report could not be written (exit status $ran)"
}

# Whether a report goes to code scanning: output $1, by the JSON lines $2 of the same run.
offer() {
  local answer=false
  if [ -n "$3" ] && [ "$INPUT_UPLOAD" = true ]; then
    answer=true
    # Alerts in what could not be read would be closed as mended.
    if [ "$INPUT_UPLOAD_INCOMPLETE" != true ] && ! sed -n '$p' "$2" | grep -qF '"incomplete":false'; then
      answer=false
      notice "the scan is incomplete, so ${3##*/} is not uploaded: alerts in what could not be read would be closed. upload-incomplete: true uploads it all the same."
    elif ! can_upload; then
      answer=false
    fi
  fi
  output "$1" "$answer"
}

can_upload() {
  local head
  if [ "$EVENT_NAME" = pull_request ] && { [ "$EVENT_PR_HEAD_REPOSITORY" != "$EVENT_REPOSITORY" ] || [ "$EVENT_ACTOR" = 'dependabot[bot]' ]; }; then
    notice "a pull request of a fork or of Dependabot has a token that only reads, so nothing is uploaded; the run fails or passes as always."
    return 1
  fi
  head="$(repository rev-parse --verify HEAD)" || head=""
  if [ "$head" != "$EVENT_SHA" ] && [ "$head" != "$EVENT_PR_HEAD" ]; then
    notice "the checkout is at ${head:-no commit}, not at the commit of the event, so nothing is uploaded: it would stand for another ref."
    return 1
  fi
}
