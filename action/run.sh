#!/usr/bin/env bash
# The steps of action.yml: program, scan, verdict.
#
# Every value comes from the environment and is used as one word, never as shell text. While scanned
# content can reach the log, workflow commands are switched off: a file name such as `::add-mask::x`
# is only a name.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=action/common.sh
. "$here/common.sh"
# shellcheck source=action/program.sh
. "$here/program.sh"
# shellcheck source=action/event.sh
. "$here/event.sh"
# shellcheck source=action/scan.sh
. "$here/scan.sh"
# shellcheck source=action/summary.sh
. "$here/summary.sh"

case "${1:-}" in
  program | scan | verdict) "$1" ;;
  *) fail "usage: run.sh program|scan|verdict" ;;
esac
