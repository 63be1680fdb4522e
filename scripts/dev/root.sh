# shellcheck shell=bash
# Part of dev: the tools of this system that making the private root takes, the root itself, and running a command in it.

# ==== Tools of this system that making the root takes ====

need_tools() { # need_tools COMMAND=PACKAGE...: installs what is missing as root, else names the one command to type
  local pair missing=()
  for pair; do command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}"); done
  ((${#missing[@]})) || return 0
  command -v apt-get >/dev/null ||
    die "this system lacks ${missing[*]}, and has no apt-get to add them; install them with its own package manager and start again"
  ((EUID == 0)) || die "please type this once, then start again: sudo apt-get install ${missing[*]}"
  step "adding ${missing[*]} to this system" sh -c "
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ${missing[*]} ||
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ${missing[*]}; }" ||
    die "apt-get could not install ${missing[*]}"
}

# ==== The private root ====

is_native() {
  [[ ${TRIMTAB_NATIVE:-} != 0 ]] && type gcc cmake ninja python3 >/dev/null 2>&1 &&
    pkg-config --exists 'llama >= 0.7' openblas lapacke yyjson nettle libmicrohttpd libedit cmocka 2>/dev/null &&
    [[ -e /usr/include/unistr.h ]] && compgen -G '/usr/share/*/uplot' >/dev/null # these two have no .pc file
}

packages_of() { # packages_of TIER: each tier holds the ones before it
  printf '%s\n' "${packages_build[@]}"
  [[ $1 == build ]] || printf '%s\n' "${packages_test[@]}"
  [[ $1 != bench ]] || printf '%s\n' "${packages_bench[@]}"
}

root_of() { printf '%s/root-%s-%s' "$cache" "$1" "$( (printf '%s\n' "$suite"; packages_of "$1") | sha256sum | cut -c1-12)"; }

# The root at hand that serves a tier: its own, or a larger one that exists already. Empty if there is none.
find_root() {
  local tier root
  case $1 in build) set -- build test bench ;; test) set -- test bench ;; esac
  for tier; do
    root=$(root_of "$tier")
    if [[ -e $root/.complete ]]; then printf '%s' "$root"; return; fi
  done
}

debian_mirror() { # the Debian mirror this system uses itself, if it is a Debian; else mmdebstrap's own default
  [[ -n ${TRIMTAB_DEBIAN_MIRROR:-} ]] && { printf '%s' "$TRIMTAB_DEBIAN_MIRROR"; return; }
  grep -qs '^ID=debian' /etc/os-release || return 0
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 2>/dev/null | grep -v -e security -e '^$' | head -n 1 || true
}

remove_root() { # a root made by root has only root's files, one made by a plain user only that user's
  [[ -e $1 ]] || return 0
  chmod -R u+w "$1" 2>/dev/null || true
  rm -rf "$1" || die "cannot remove $1; please remove it and start again"
}

# What a plain user's killed attempt has left behind belongs to sub-uids: it goes the way it came.
remove_attempt() {
  local attempt
  attempt=$(cat "$cache/attempt" 2>/dev/null) || return 0
  if [[ $attempt == */mmdebstrap.* && -d $attempt ]]; then mmdebstrap --unshare-helper rm -rf "$attempt" || true; fi
  rm -f "$cache/attempt"
}

# Unpacks and installs the packages of a tier below FOLDER. As root straight into it. A plain user's mmdebstrap works as
# sub-uids, which may not even enter that user's home: it builds in a temporary folder and hands over a tar file's content,
# of which /usr and /etc are all that is needed.
# shellcheck disable=SC2016 # the hooks' $1 is theirs
fill_root() { # fill_root TIER FOLDER
  local mirror options=(--variant=apt --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Apt::Install-Recommends "false"'
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt=force-unsafe-io
    --include="$(packages_of "$1" | paste -sd,)"
    --customize-hook='cd "$1/etc" && touch passwd group hosts resolv.conf && cd .. && rm -rf var/cache/apt/* && chmod 755 .')
  mirror=$(debian_mirror)
  if ((EUID == 0)); then
    mmdebstrap --mode=root "${options[@]}" "$suite" "$2" ${mirror:+"$mirror"}
    return
  fi
  mkdir -p "$2"
  # bash leaves descriptor 7 to what it starts; the hook says through it where the temporary folder is.
  TMPDIR=${TMPDIR:-/var/tmp} mmdebstrap --mode=unshare --format=tar --setup-hook='echo "$1" >&7' "${options[@]}" \
    "$suite" - ${mirror:+"$mirror"} 7>"$cache/attempt" | tar -x --no-same-owner -C "$2" ./usr ./etc || return
  rm -f "$cache/attempt"
}

make_root() {
  local tier=$1 root new old
  root=$(root_of "$tier")
  local tools=(mmdebstrap=mmdebstrap)
  [[ ${TRIMTAB_CHROOT:-} == 1 ]] || tools+=(bwrap=bubblewrap)
  ((EUID == 0)) || tools+=(newuidmap=uidmap)
  need_tools "${tools[@]}"
  if ! compgen -G '/usr/share/keyrings/debian-archive-keyring.*' >/dev/null; then need_tools 'no command'=debian-archive-keyring; fi
  say "dev: this system has not what trimtab builds on: making a private Debian $suite root in $root (once; this system stays as it is)"
  exec 8>"$cache/lock"
  if ! flock --nonblock 8; then
    say "dev: waiting for another dev, which is making one"
    flock 8
  fi
  if [[ -e $root/.complete ]]; then exec 8>&-; return; fi # it made this one
  new=$root.new
  for old in "$cache"/root-*.new; do remove_root "$old"; done # unfinished ones, which nobody works on any more
  remove_attempt
  leftovers+=("$new")
  step "installing $(packages_of "$tier" | wc -l) packages and what they need" fill_root "$tier" "$new" ||
    die "the root could not be made, for the reason above; when that is out of the way, start again"
  touch "$new/.complete"
  remove_root "$root"
  mv "$new" "$root"
  # Roots that no copy of the project has used for a month (their package lists have changed) are of no more use.
  for old in "$cache"/root-*.used; do
    [[ -z $(find "$old" -mtime +30 2>/dev/null) ]] || { remove_root "${old%.used}"; rm -f "$old"; }
  done
  exec 8>&-
}

# Runs a command in the root (or here, where nothing is missing), in the present folder.
inside() {
  local root=$1 bind=() entry
  shift
  if [[ $root == native ]]; then "$@"; return; fi
  case $PWD/ in /usr/* | /etc/*) die "inside the private root $PWD is another folder; please work elsewhere" ;; esac
  # The host's own Python paths, libraries and locales are not the root's.
  local -a clean=(-u PYTHONPATH -u PYTHONHOME -u LD_LIBRARY_PATH -u LD_PRELOAD
    PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 LC_ALL=C.UTF-8)
  if bubblewrap_works; then
    for entry in /*; do
      case $entry in
        /usr | /etc | /bin | /sbin | /lib | /lib32 | /lib64 | /libx32 | /proc | /dev | /sys | /lost+found) continue ;;
      esac
      if [[ -L $entry ]]; then bind+=(--symlink "$(readlink "$entry")" "$entry"); elif [[ -d $entry ]]; then bind+=(--bind "$entry" "$entry"); fi
    done
    for entry in passwd group hosts resolv.conf; do
      [[ ! -e /etc/$entry ]] || bind+=(--ro-bind "/etc/$entry" "/etc/$entry")
    done
    # Ctrl-C is for the command: bwrap, and this script, wait for what the command makes of it.
    (
      trap '' INT QUIT
      exec bwrap --ro-bind "$root/usr" /usr --ro-bind "$root/etc" /etc \
        --symlink usr/bin /bin --symlink usr/sbin /sbin --symlink usr/lib /lib --symlink usr/lib64 /lib64 \
        --dev-bind /dev /dev --proc /proc --ro-bind /sys /sys "${bind[@]}" \
        --chdir "$PWD" --die-with-parent -- env --default-signal=INT,QUIT "${clean[@]}" "$@"
    )
    return
  fi
  ((EUID == 0)) || die "bubblewrap cannot make a namespace here (user namespaces are switched off?); run dev as root, or switch them on"
  # Without bubblewrap: the same mounts, by hand, in a mount namespace of their own, which vanishes with the command.
  # shellcheck disable=SC2016
  unshare --mount bash -c '
    set -e
    root=$1 here=$2; shift 2
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
    exec chroot "$root" /bin/bash -c '\''cd "$1" && shift && exec "$@"'\'' chroot "$here" "$@"' \
    unshare "$root" "$PWD" env "${clean[@]}" "$@"
}

bubblewrap_works() {
  [[ ${TRIMTAB_CHROOT:-} != 1 ]] && command -v bwrap >/dev/null && bwrap --ro-bind / / true 2>/dev/null </dev/null
}

prepare() { # prepare TIER: sets root to what `inside` takes
  mkdir -p "$cache"
  if is_native; then root=native; return; fi
  case $project/ in /usr/* | /etc/*) die "a private root hides /usr and /etc: please put the project elsewhere than in $project" ;; esac
  root=$(find_root "$1")
  if [[ -z $root ]]; then
    begin_llama_source
    make_root "$1"
    root=$(find_root "$1")
  fi
  touch "$root.used"
  if [[ ${TRIMTAB_CHROOT:-} != 1 ]]; then need_tools bwrap=bubblewrap; fi
}
