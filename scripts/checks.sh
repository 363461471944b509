# shellcheck shell=bash
# Checks that run nothing of this repository. Sourced by test.sh, from the root of the repository.

# What `cargo tree` must not show below a crate: a pattern of package names.
tree_is_free_of() { # crate, pattern, features: all by default
  local tree
  tree=$(cargo tree --locked --package "$1" --edges normal --prefix none "${3---all-features}") || return 1
  if grep -E "^($2) " <<<"$tree"; then
    echo "$1 must not depend on the above"
    return 1
  fi
}

# What `cargo drill` builds needs no TLS, which would take longer than the rest.
drill_is_free_of_tls() {
  local tree
  tree=$(cargo tree --locked --package chaos-cli --no-default-features --edges normal,build --prefix none) || return 1
  if grep -E '^(rustls|tokio-rustls|ring|aws-lc-.*) ' <<<"$tree"; then
    echo "chaos-cli must not depend on the above without its default features"
    return 1
  fi
}

architecture() {
  local foreign='hyper|reqwest|axum|tower|sqlx|libsqlite3-sys|rusqlite|aws-.*|azure.*|bollard|rustix'
  scripts/arrows.py &&
    tree_is_free_of chaos-core "$foreign" &&
    tree_is_free_of chaos-events "$foreign" &&
    tree_is_free_of chaos-notify "$foreign|lettre|metrics|rustls" --no-default-features &&
    tree_is_free_of chaos-notify 'axum|sqlx|libsqlite3-sys|rusqlite|aws-.*|azure.*|bollard|openssl-sys' &&
    tree_is_free_of chaos-probes 'reqwest|sqlx|libsqlite3-sys|aws-.*|azure.*|bollard' &&
    tree_is_free_of chaos-lab 'reqwest|sqlx|libsqlite3-sys|aws-.*|azure.*|bollard' --features=tls &&
    tree_is_free_of chaos-lab 'sqlx|libsqlite3-sys|bollard' &&
    tree_is_free_of chaos-journal 'hyper|reqwest|aws-.*|azure.*|bollard' &&
    tree_is_free_of chaos-aws 'sqlx|libsqlite3-sys|azure.*|bollard' &&
    tree_is_free_of chaos-azure 'sqlx|libsqlite3-sys|aws-(config|sdk|smithy|types|credential).*|bollard|openssl-sys' &&
    tree_is_free_of chaos-local 'sqlx|libsqlite3-sys|aws-.*|azure.*|bollard' &&
    drill_is_free_of_tls
}

# What most programs and every event need is at the root of chaos-core, and no more.
names_at_the_root() {
  local names
  names=$(sed -n '/^pub use /,/;$/p' chaos-core/src/lib.rs | grep -v '^ *//' | tr -d '\n' |
    grep -oE '[A-Za-z_]+ *[,};]' | wc -l)
  echo "$names names at the root of chaos-core, of at most 37"
  [ "$names" -le 37 ]
}

# The oldest Rust that is promised is the one that builds here, so that the promise is kept by every build.
oldest_rust() {
  local promised here
  promised=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
  here=$(rustc --version | sed -n 's/^rustc \([0-9]*\.[0-9]*\).*/\1/p')
  case $here in
  '') return 1 ;;
  "$promised") ;;
  *) skipped "the oldest Rust that is promised ($promised): $here is installed here" ;;
  esac
}

# The crates that claim to compile on other systems do, where those can be analysed.
other_systems() {
  local target
  for target in x86_64-apple-darwin x86_64-pc-windows-gnu; do
    if [ -d "$(rustc --print sysroot)/lib/rustlib/$target" ] || rustup target add "$target" >/dev/null 2>&1; then
      # Only Rust is analysed: ring's C would need a compiler for that system.
      TARGET_CC=true TARGET_AR=true cargo check --locked --target "$target" \
        --package chaos-core --package chaos-local --package chaos-probes || return 1
    else
      skipped "other systems: the target $target of Rust could not be installed"
    fi
  done
}

# Each dependency of a crate is named somewhere in it.
used_dependencies() {
  cargo metadata --locked --no-deps --format-version 1 | python3 -c '
import json, pathlib, re, sys

unused = []
for package in json.load(sys.stdin)["packages"]:
    folder = pathlib.Path(package["manifest_path"]).parent
    text = "".join(path.read_text() for path in sorted(folder.rglob("*.rs")))
    for dependency in package["dependencies"]:
        name = (dependency["rename"] or dependency["name"]).replace("-", "_")
        if not re.search(rf"\b{name}\b", text):
            unused.append(package["name"] + " declares and never names " + name)
print("\n".join(unused))
sys.exit(1 if unused else 0)
'
}

# Lines of at most 120 columns. Those of tables, footnotes, links and descriptions of packages cannot be broken.
columns() {
  # shellcheck disable=SC2016 # awk expands it
  git ls-files '*.rs' '*.sh' '*.md' '*.toml' '*.py' .ci/run | LC_ALL=C.UTF-8 xargs awk '
    length($0) > 120 && !/^(\/\/[\/!] )?(\||\[[^]]*\]:)/ && !/^description = / {
      print FILENAME ":" FNR ": " length($0) " columns"
      found = 1
    }
    END { exit found }
  '
}

shell_scripts() {
  git ls-files '*.sh' .ci/run | xargs shellcheck --external-sources
}

# No stub, no conflict that was committed, no test that is skipped without a reason, no example that is never compiled.
honest_sources() {
  local found=0
  if git grep -nE '#\[ignore\]|\btodo!\(|\bunimplemented!\(' -- '*.rs' ':!*/by_type/*'; then found=1; fi
  if git grep -nE '^(<{7}|={7}|>{7})( |$)'; then found=1; fi
  return $found
}
