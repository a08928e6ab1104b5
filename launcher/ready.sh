# Sourced with $root (the checkout). Sets $node to a Node >= 24 and leaves installed packages behind, or exits 3. When all is
# ready it starts no Node but `node -v`, and prints nothing.

platform=$(uname -sm)
platform=${platform%% *}-${platform##* }
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/seer

# Node: the pinned one if it is in the cache, else the machine's if that is new enough.
node=''
machine_node=''
while read -r name _ version _; do
  if [ "$name" = "$platform" ] && [ -x "$cache/node-$version-$platform/bin/node" ]; then
    node=$cache/node-$version-$platform/bin/node
  fi
done <"$root/launcher/pins.txt"
if [ -z "$node" ]; then
  found=$(node -v 2>/dev/null)
  case $found in
    v2[4-9].* | v[3-9][0-9].*) node=$(command -v node) ;;
    v1[89].* | v2[0-3].*) machine_node=$(command -v node) ;;
    *)
      echo "seer: needs Node.js 18 or newer to start (it fetches Node 24 for itself), and found ${found:-none} on your PATH." \
        "Install it from your package manager, from a cluster's modules (\"module load nodejs\"), with conda (\"conda install nodejs\") or from https://nodejs.org, and run this again." >&2
      exit 3
      ;;
  esac
fi

# Packages: the stamp is a copy of the lock file that was installed, removed first and written last.
stamp=$root/node_modules/.seer-installed-$platform
ready=''
if [ -n "$node" ] && cmp -s "$root/package-lock.json" "$stamp"; then ready=yes; fi

SEER_SETUP_TIMINGS='{}'
if [ -z "$ready" ]; then
  answer=$("${node:-$machine_node}" "$root/launcher/bootstrap.mjs" "$root" "$cache" "$platform") || exit $?
  # Two lines: the path of Node, and how long each step took.
  node=${answer%
*}
  SEER_SETUP_TIMINGS=${answer##*
}
fi
export SEER_SETUP_TIMINGS
