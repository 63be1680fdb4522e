# shellcheck shell=bash
# Part of dev: what keeps several dev from breaking one another.
#
# Each build folder, and each private root, has a lock: a file next to it. Who uses what is there holds the lock together with
# others ("shared"), who changes it holds it alone ("exclusive"). A lock lasts until the script ends, or lets go of it. A step of
# building inherits it, so that even one that outlives its dev is waited for; tests, and whatever else runs what was built, do not:
# what they may leave behind keeps nobody waiting.

held=() # descriptors of all locks held, for `close_locks`

open_lock() { # open_lock FILE: sets `lock` to a descriptor of it
  mkdir -p "${1%/*}"
  exec {lock}>>"$1"
  held+=("$lock")
}

# Its file may have been removed, and made again by another dev, while this one waited for it.
lock_is() { [[ $1 -ef /proc/self/fd/$lock ]]; } # lock_is FILE

# Waits for the lock, and says so where it has to.
take_lock() { # take_lock shared|exclusive FILE WHAT: sets `lock`
  while :; do
    open_lock "$2"
    if ! flock --nonblock "--$1" "$lock"; then
      say "dev: waiting for another dev, which uses $3"
      flock "--$1" "$lock"
    fi
    lock_is "$2" && return
    drop_lock
  done
}

drop_lock() { exec {lock}>&-; }

close_locks() { # in a process of its own: this one's others stay
  local descriptor
  for descriptor in "${held[@]}"; do exec {descriptor}>&-; done
}

# Runs a command, as a process of its own, which holds no lock unless `step` runs it.
without_locks() (
  [[ -n ${in_step:-} ]] || close_locks
  "$@"
)
