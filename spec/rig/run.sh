#!/bin/sh
# `make rig`: what is needed, the guest, the cases, one line that counts. Where the guest cannot be made on this machine it
# says why, counts one as skipped and none as passed, and that alone is no failure: see README.md.
#     run.sh BUILD [CASE...]
set -u
here=$(dirname "$0")
build=$1
shift
folder=$build/rig
PATH=$PATH:/usr/sbin:/sbin

# Kilobytes: of two guests and of QEMU beside them.
MEMORY=1000000
# Seconds for all cases. QEMU is ended by who started it, and in any case by a timeout of its own (machine.lua).
[ -n "${CYCLES:-}" ] && LIMIT=3600 || LIMIT=420

skip() {
    echo "rig: not on this machine: $1"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
}

available=$(sed -n 's/^MemAvailable: *\([0-9]*\).*/\1/p' /proc/meminfo)
[ "${available:-0}" -ge $MEMORY ] || skip "the guests need $((MEMORY / 1000)) MB of memory, and $((${available:-0} / 1000)) are free"
command -v qemu-system-x86_64 >/dev/null || skip "the package qemu-system-x86 is not there, and cannot be installed"
why=$("$here/guest.sh" "$folder")
case $? in
0) ;;
75) skip "$(echo "$why" | tail -n 1)" ;;
*)
    echo "$why"
    echo "rig: the guest could not be made"
    echo "0 passed, 1 failed"
    exit 1
    ;;
esac
"$here/pack.sh" "$build" "$folder/files.tar" || exit 1
exec timeout -k 10 "$LIMIT" "$build/jig" "$here/rig.lua" "$@"
