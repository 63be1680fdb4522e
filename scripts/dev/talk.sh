# shellcheck shell=bash
# Part of dev: what it says, how it says how long a step takes, and what it removes when it ends.

say() { printf '%s\n' "$*" >&2; }
die() { say "dev: $*"; exit 1; }

# What is to vanish however this script ends.
leftovers=()
tidy() {
  [[ -z ${ticker:-} ]] || kill "$ticker" 2>/dev/null || true
  ((${#leftovers[@]} == 0)) || rm -rf -- "${leftovers[@]}" 2>/dev/null || true
}
ticker=''
trap tidy EXIT

# Says what step it is, unless that is done in a moment; on a terminal, how long it has taken so far.
tick() { # tick NAME MARK
  local begin=$SECONDS
  sleep 0.3
  touch "$2"
  printf 'dev: %s ... ' "$1" >&2
  while [[ -t 2 ]] && sleep 1 && kill -0 $$ 2>/dev/null; do printf '\rdev: %s ... %d s ' "$1" $((SECONDS - begin)) >&2; done
}

step() { # step NAME COMMAND...: runs it quietly, says how long it took; shows its output only if it fails
  local name=$1 log mark status=0 begin=$SECONDS again=''
  shift
  log=$(mktemp)
  mark=$log.said
  leftovers+=("$log" "$mark")
  [[ ! -t 2 ]] || again=$'\r'"dev: $name ... "
  tick "$name" "$mark" 8>&- 9>&- & # without the locks, which it must not outlive
  ticker=$!
  trap 'say; say "dev: interrupted"; exit 130' INT # once what runs has ended, which hears of it too
  ("$@") >"$log" 2>&1 </dev/null || status=$?
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
  ticker=''
  trap - INT
  if ((status)); then
    [[ -e $mark ]] || again="dev: $name ... "
    printf '%sfailed\n' "$again" >&2
    tail -n 25 "$log" >&2
  elif [[ -e $mark ]]; then
    printf '%s%d s\n' "$again" $((SECONDS - begin)) >&2
  fi
  rm -f "$log" "$mark"
  return $status
}
