# shellcheck shell=bash
# The job summary, in Markdown, and the verdict of the job.

summary() {
  [ -n "${GITHUB_STEP_SUMMARY:-}" ] || return 0
  {
    printf '## keysweep\n\n'
    case "$status" in
      0) printf 'Nothing at or over the threshold was found.\n\n' ;;
      2) printf 'The scan could not be done; the log says why.\n\n' ;;
      3) printf '**Incomplete:** something in the scope could not be read, and nothing was found in the rest.\n\n' ;;
      *) printf '**%s of %s findings fail the job.** Every secret below must be rotated; deleting the line is not enough.\n\n' "$failing" "$count" ;;
    esac
    case "$mode" in
      range) printf 'Scanned: what the commits of the change bring in.\n\n' ;;
      tree) printf 'Scanned: the files of the checkout.\n\n' ;;
      history) printf 'Scanned: the whole history.\n\n' ;;
      nothing) printf 'Scanned: nothing.\n\n' ;;
    esac
    [ "${#notes[@]}" -eq 0 ] || printf -- '- %s\n' "${notes[@]//[\`<>]/}"
    printf '\n'
    [ ! -f "$temp/summary" ] || body
  } >>"$GITHUB_STEP_SUMMARY"
}

# GitHub takes 1 MiB of summary.
body() {
  if [ "$SUMMARY_FORMAT" = human ]; then
    # Indented by four spaces, the report is a code block that nothing inside can end.
    head -c 900000 "$temp/summary" | sed 's/^/    /'
  else
    head -c 900000 "$temp/summary"
  fi
  printf '\n'
}

verdict() {
  case "$EXIT_STATUS" in
    0) ;;
    1) fail "keysweep found secrets; the job summary has each with its rotation steps" 1 ;;
    2) fail "keysweep could not scan; the log of the step Scan says why" 2 ;;
    3) fail "the scan is incomplete (shallow clone? actions/checkout with fetch-depth: 0 gets everything); the job summary lists the gaps" 3 ;;
    '') fail "the scan did not run" 2 ;;
    *) fail "keysweep ended with $EXIT_STATUS" 1 ;;
  esac
}
