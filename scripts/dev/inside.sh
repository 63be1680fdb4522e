# shellcheck shell=bash
# Part of dev: running a command where the tools and the libraries are.

# Backends of ggml that `inside` hides: full names of files below /usr. See backends.sh.
hidden=()

bubblewrap_works() {
  [[ ${TRIMTAB_CHROOT:-} != 1 ]] && command -v bwrap >/dev/null && bwrap --ro-bind / / true 2>/dev/null </dev/null
}

# inside ROOT COMMAND...: runs a command in a private root, or on this system where ROOT is "native".
#
# - The command sees this system as it is, at the same paths, but /usr and /etc, which are the root's and cannot be written (by
#   chroot they can: leave them alone). So the files that its arguments name are the same, and it works in the present folder.
# - Its standard input, output and exit status are its own. Of the environment PATH is the root's, the locale is C.UTF-8, and what
#   points to this system's Python or libraries is left out; all else is handed on.
# - Ctrl-C is the command's to answer: this function, and dev, wait until it has ended.
# - It ends when dev does, whatever ends dev; by chroot and natively, unless that is SIGKILL.
# - The backends of ggml in `hidden` are not there.
inside() {
  local root=$1 status=0
  shift
  trap : INT
  if [[ $root == native ]]; then
    without_locks inside_native "$@" || status=$?
  else
    case $PWD/ in /usr/* | /etc/*) die "inside the private root $PWD is another folder; please work elsewhere" ;; esac
    # The host's own Python paths, libraries and locales are not the root's.
    local -a clean=(-u PYTHONPATH -u PYTHONHOME -u LD_LIBRARY_PATH -u LD_PRELOAD
      PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 LC_ALL=C.UTF-8)
    if bubblewrap_works; then
      without_locks inside_by_bubblewrap "$@" || status=$?
    else
      ((EUID == 0)) || die "bubblewrap cannot make a namespace here (user namespaces are switched off?); run dev as root, or switch them on"
      without_locks inside_by_chroot "$@" || status=$?
    fi
  fi
  trap interrupted INT
  return $status
}

inside_native() {
  local file bind=()
  if ((${#hidden[@]} == 0)); then exec "$@"; fi
  if bubblewrap_works; then
    for file in "${hidden[@]}"; do bind+=(--dev-bind /dev/null "$file"); done
    trap '' INT QUIT
    exec bwrap --dev-bind / / "${bind[@]}" --die-with-parent -- env --default-signal=INT,QUIT "$@"
  fi
  ((EUID == 0)) || die "hiding some of ggml's backends takes bubblewrap, which this system lacks; please install it"
  # shellcheck disable=SC2016
  exec unshare --mount bash -c 'for file in $1; do mount --bind /dev/null "$file"; done; shift; exec "$@"' unshare "${hidden[*]}" "$@"
}

inside_by_bubblewrap() {
  local entry bind=()
  for entry in /*; do
    case $entry in
      /usr | /etc | /bin | /sbin | /lib | /lib32 | /lib64 | /libx32 | /proc | /dev | /sys | /lost+found) continue ;;
    esac
    if [[ -L $entry ]]; then bind+=(--symlink "$(readlink "$entry")" "$entry"); elif [[ -d $entry ]]; then bind+=(--bind "$entry" "$entry"); fi
  done
  for entry in passwd group hosts resolv.conf; do
    [[ ! -e /etc/$entry ]] || bind+=(--ro-bind "/etc/$entry" "/etc/$entry")
  done
  for entry in "${hidden[@]}"; do bind+=(--dev-bind /dev/null "$entry"); done
  # Ctrl-C is for the command: bwrap, and this script, wait for what the command makes of it.
  trap '' INT QUIT
  exec bwrap --ro-bind "$root/usr" /usr --ro-bind "$root/etc" /etc \
    --symlink usr/bin /bin --symlink usr/sbin /sbin --symlink usr/lib /lib --symlink usr/lib64 /lib64 \
    --dev-bind /dev /dev --proc /proc --ro-bind /sys /sys "${bind[@]}" \
    --chdir "$PWD" --die-with-parent -- env --default-signal=INT,QUIT "${clean[@]}" "$@"
}

# Without bubblewrap: the same mounts, by hand, in a mount namespace of their own, which vanishes with the command.
# shellcheck disable=SC2016
inside_by_chroot() {
  exec unshare --mount bash -c '
    set -e
    root=$1 here=$2 hidden=$3; shift 3
    mount --bind "$root" "$root"
    for entry in /*; do
      case $entry in /usr|/etc|/bin|/sbin|/lib|/lib32|/lib64|/libx32|/lost+found) continue;; esac
      if [[ -L $entry ]]; then ln -sfn "$(readlink "$entry")" "$root$entry"; continue; fi
      [[ -d $entry ]] || continue
      mkdir -p "$root$entry"; mount --rbind "$entry" "$root$entry"
    done
    for entry in passwd group hosts resolv.conf; do
      [[ ! -e /etc/$entry ]] || mount --bind "/etc/$entry" "$root/etc/$entry"
    done
    for entry in $hidden; do mount --bind /dev/null "$root$entry"; done
    exec chroot "$root" /bin/bash -c '\''cd "$1" && shift && exec "$@"'\'' chroot "$here" "$@"' \
    unshare "$root" "$PWD" "${hidden[*]}" env "${clean[@]}" "$@"
}
