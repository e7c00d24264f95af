# shellcheck shell=bash
# What an event asks for: sets mode (range, tree, history or nothing) and range.

is_commit_id() {
  [[ "$1" =~ ^[0-9a-f]{40}([0-9a-f]{24})?$ ]] && [[ ! "$1" =~ ^0+$ ]]
}

has_commit() {
  is_commit_id "$1" && repository cat-file -e "$1^{commit}"
}

is_shallow() {
  [ "$(repository rev-parse --is-shallow-repository)" = true ]
}

# The commit that stands before the change, as the event names it; its policy counts.
event_base() {
  case "$EVENT_NAME" in
    pull_request) echo "$EVENT_PR_BASE" ;;
    merge_group) echo "$EVENT_GROUP_BASE" ;;
  esac
}

choose() {
  mode="$INPUT_MODE" range="$INPUT_RANGE"
  # It runs with the secrets and the write token of the base, and checks out what a stranger wrote.
  [ "$EVENT_NAME" != pull_request_target ] ||
    fail "pull_request_target is refused: it hands the base's secrets to a run that looks at a stranger's commits; use pull_request, which also works for forks"
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
    pull_request) between "$EVENT_PR_BASE" "$EVENT_PR_HEAD" ;;
    merge_group) between "$EVENT_GROUP_BASE" "$EVENT_GROUP_HEAD" ;;
    push) pushed ;;
    delete) gone ;;
    *)
      [ "$mode" = auto ] || fail "the event $EVENT_NAME has no range; set the input range to A..B, or mode to tree or history"
      whole_history "fetch-depth: 0 would add the history"
      ;;
  esac
}

# The two ends of a range. `auto` makes do with the tree where the clone is too shallow for it.
between() {
  local base="$1" head="$2" id
  for id in "$base" "$head"; do
    is_commit_id "$id" || fail "the event names no commit where one was expected; set the input range to A..B"
    if ! has_commit "$id"; then
      too_shallow "the clone lacks commit $id"
      return
    fi
  done
  if cut_short "$base" "$head"; then
    too_shallow "the clone ends between the two sides of the change"
    return
  fi
  mode=range range="$base..$head"
}

# Whether the clone stops on the way from base to head.
cut_short() {
  is_shallow || return 1
  local boundary
  boundary="$(repository rev-parse --git-path shallow)"
  case "$boundary" in /* | ?:*) ;; *) boundary="$INPUT_PATH/$boundary" ;; esac
  repository rev-list "$2" "^$1" | grep -qxFf "$boundary"
}

too_shallow() {
  [ "$mode" = auto ] || fail "$1: give actions/checkout fetch-depth: 0, so that the base of the change is there"
  command -v git >/dev/null 2>&1 || notice "git is not on this runner, so nothing is known of the commits"
  notice "$1, so the whole tree is looked at. fetch-depth: 0 would show what each commit of the change brings in (what was added and removed again as well) and who did it, fail for that alone, and read the configuration of the base."
  mode=tree range=""
}

whole_history() {
  if [ "$mode" = auto ] && { is_shallow || ! repository rev-parse --git-dir >/dev/null; }; then
    notice "the clone is shallow or has no history, so the tree is looked at. $1: what was committed and removed again, all branches and tags, who brought a secret in and when."
    mode=tree
  else
    mode=history
  fi
}

gone() {
  mode=nothing
  notice "the ref was deleted: there is nothing new to look at"
}

pushed() {
  local head="$EVENT_AFTER" base
  if [ "$EVENT_DELETED" = true ] || [[ "$head" =~ ^0+$ ]]; then
    gone
    return
  fi
  # An annotated tag names its tag object; actions/checkout may have fetched the commit alone.
  if is_commit_id "$head" && ! has_commit "$head" && has_commit "$EVENT_SHA"; then
    head="$EVENT_SHA"
  fi
  if is_commit_id "$EVENT_BEFORE" && has_commit "$EVENT_BEFORE"; then
    between "$EVENT_BEFORE" "$head"
  elif is_commit_id "$EVENT_BEFORE" && is_shallow; then
    too_shallow "the clone lacks commit $EVENT_BEFORE"
  elif base="$(repository rev-parse --verify --quiet --end-of-options "refs/remotes/origin/$EVENT_DEFAULT_BRANCH^{commit}")" &&
    has_commit "$head" && [ "$base" != "$(repository rev-parse --verify "$head^{commit}")" ]; then
    # A new branch or tag, or one pushed with force over what the clone lacks: what the default branch has not.
    between "$base" "$head"
  else
    notice "the event names no commit before this one, so everything is looked at"
    whole_history "fetch-depth: 0 would add the history of this first push"
  fi
}
