# shellcheck shell=bash
# Part of dev: what it says, how it says how long a step takes, and what it removes when it ends.

say() { printf '%s\n' "$*" >&2; }
die() { say "dev: $*"; exit 1; }
misused() { say "dev: $*"; exit 2; } # what was typed makes no sense
no_more() { (($# < 2)) || misused "'$1' takes no '$2'; ./dev $1 --help says what it takes"; } # no_more COMMAND ARGUMENT...

# What is to vanish however this script ends.
leftovers=()
tidy() {
  [[ -z ${ticker:-} ]] || kill "$ticker" 2>/dev/null || true
  ((${#leftovers[@]} == 0)) || rm -rf -- "${leftovers[@]}" 2>/dev/null || true
}
ticker=''
trap tidy EXIT

# Ctrl-C reaches whatever runs as well; this comes once that has ended.
interrupted() { say; say "dev: interrupted"; exit 130; }
trap interrupted INT

# Says what step it is, unless that is done in a moment; on a terminal, how long it has taken so far.
tick() { # tick NAME MARK
  local begin=$SECONDS
  close_locks # which it might outlive by a moment
  sleep 0.3
  touch "$2"
  printf 'dev: %s ... ' "$1" >&2
  while [[ -t 2 ]] && sleep 1 && kill -0 $$ 2>/dev/null; do printf '\rdev: %s ... %d s ' "$1" $((SECONDS - begin)) >&2; done
}

# What is written over again must fit one line of the terminal, "dev: ", " ... 1234 s " and the cursor with it.
fitting() { # fitting NAME
  local columns
  columns=$(stty size <&2 2>/dev/null) || columns=''
  columns=${columns#* }
  if [[ -t 2 && $columns =~ ^[1-9][0-9]*$ ]] && ((${#1} + 18 > columns)); then
    local room=$((columns - 21))
    printf '%s...' "${1:0:$((room > 0 ? room : 0))}"
  else
    printf '%s' "$1"
  fi
}

# The first complaint in a log, with a few lines of what follows, none of them longer than a paragraph; its end if it has none.
first_error() { # first_error LOG
  local pattern="(^|[^a-z_./-])(fatal )?error[: ]|undefined reference|multiple definition|^E: "
  { grep -m 1 -A 7 -iE "$pattern" "$1" || tail -n 12 "$1"; } | cut -c1-300
}

# Runs a command quietly and says how long it took. If it fails: its first error, and where all that it said is kept.
step() { # step NAME COMMAND...
  local name log mark status=0 begin=$SECONDS again='' in_step=1
  name=$(fitting "$1")
  shift
  log=$(mktemp)
  mark=$log.said
  leftovers+=("$log" "$mark")
  [[ ! -t 2 ]] || again=$'\r'"dev: $name ... "
  tick "$name" "$mark" &
  ticker=$!
  ("$@") >"$log" 2>&1 </dev/null || status=$?
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
  ticker=''
  if ((status)); then
    [[ -e $mark ]] || again="dev: $name ... "
    printf '%sfailed\n' "$again" >&2
    first_error "$log" >&2
    mv -- "$log" "${step_log:-$cache/failed.log}" && say "dev: all that it said is in ${step_log:-$cache/failed.log}"
  elif [[ -e $mark ]]; then
    printf '%s%d s\n' "$again" $((SECONDS - begin)) >&2
  fi
  rm -f "$log" "$mark"
  return $status
}
