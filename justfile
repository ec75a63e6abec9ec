# The verbs of this repository. A recipe that outgrows three lines becomes Rust.

set shell := ["bash", "-euo", "pipefail", "-c"]
set positional-arguments

# Lists the verbs.
[private]
default:
    @just --list --unsorted

# Measures every transport on this machine; writes reports/<run>/ and prints the path of its page.
[group('measure')]
bench *ARGS:
    cargo run --release -p feedbench -- bench "$@"

# Serves the feeds and a page that shows all transports side by side, on http://127.0.0.1:8080; a port more for every lane.
[group('measure')]
demo *ARGS:
    cargo run --release -p feedbench -- serve --listen=127.0.0.1:808{0..5} --watch-connections --publish-limit 200 "$@"

# Prints the path of the newest report, of a run or of a calibration, and opens it where there is a desktop.
[group('measure')]
report:
    @ls reports/[0-9]*/index.html >/dev/null 2>&1 || { echo 'no report yet: run `just bench`' >&2; exit 1; }
    @page=$(ls -r reports/[0-9]*/index.html | sed -n 1p); echo "$page"; \
        if [[ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]] && command -v xdg-open >/dev/null; then xdg-open "$page"; fi

# Runs the criterion benches of codecs, hub and recorder.
[group('measure')]
micro *ARGS:
    cargo bench -p feedbench-benches --benches -- "$@"

# Measures the ruler itself; needs a quiet machine, so it is not part of the tests.
[group('measure')]
calibrate *ARGS:
    cargo run --release -p feedbench -- calibrate "$@"

# Makes reports/sample/ and the README's part of it anew from a run on all lanes, of a committed state; refuses one that is not VALID.
[group('measure')]
sample:
    @[[ $(git describe --always --dirty) != *-dirty ]] || { echo 'commit first: a sample names the state it is of' >&2; exit 1; }
    cargo run --release -p feedbench -- bench
    SAMPLE=$(ls -rd reports/[0-9]*-feed*/ | sed -n 1p) cargo test -p feedbench --test it the_committed_run

# Runs all tests.
[group('check')]
test *ARGS: outsiders
    cargo test --workspace --no-fail-fast "$@"

# The stress test with N seeds, from `first` on; those that fail are printed and kept in target/tmp/soak-failures.txt.
[group('check')]
soak seeds="10" first="1":
    FEEDBENCH_SOAK_SEEDS=$1 FEEDBENCH_SOAK_FIRST=$2 cargo test -p feedbench --test it soak:: -- --nocapture

# Everything that must hold before a change is merged: lints, licences, tests, and benches that build.
[group('check')]
ci: lint deny test
    cargo bench -p feedbench-benches --benches --no-run --profile dev

# Formatting, clippy and the docs, warnings refused.
[group('check')]
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps

# Licences, sources and banned crates of everything we depend on.
[group('check')]
deny: setup
    cargo deny check --hide-inclusion-graph bans licenses sources

# Installs what the checks need and the machine lacks.
[group('check')]
setup:
    command -v cargo-deny >/dev/null || cargo install cargo-deny --locked

# Installs the clients that others wrote and that check us, the programs as root. What cannot be had, its tests name.
[private]
outsiders:
    -@missing=$(for name in curl chromium node npm tcpdump ip; do command -v $name >/dev/null || sed 's/^node$/nodejs/; s/^ip$/iproute2/' <<<$name; done); \
        [[ -z $missing ]] || { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; }
    -@cd crates/cli/tests/outsiders && [[ node_modules/.package-lock.json -nt package-lock.json ]] || npm ci --no-audit --no-fund

# Refreshes the official Socket.IO client: the one that the server hands out, and the one that checks us.
[group('check')]
vendor-socketio from="crates/cli/tests/outsiders/node_modules/socket.io-client" to="crates/transport/src/socketio/vendor":
    cd crates/cli/tests/outsiders && npm install --no-audit --no-fund socket.io-client@4
    node -p "require('./$1/package.json').version" > $2/VERSION && cp $1/LICENSE $2/
    for file in socket.io.js socket.io.esm.min.js; do sed '/^\/\/# sourceMappingURL=/d' $1/dist/$file > $2/$file; done

# Refreshes the charts of the demo's page.
[group('check')]
vendor-uplot:
    rm -rf target/tmp/uplot && mkdir -p target/tmp/uplot && cd target/tmp/uplot && npm pack uplot@1 && tar xzf *.tgz --strip-components 1
    cd target/tmp/uplot && cp LICENSE dist/uPlot.esm.js dist/uPlot.min.css {{ justfile_directory() }}/web/vendor/uplot/ && cp dist/uPlot.d.ts {{ justfile_directory() }}/web/vendor/uplot/uPlot.esm.d.ts
    cd target/tmp/uplot && node -p "require('./package.json').version" > {{ justfile_directory() }}/web/vendor/uplot/VERSION

# Makes docs/screens/ anew: every section of the sample's page, light, dark, on a phone and on paper, and the demo's page.
[group('check')]
screens: outsiders
    cargo build --release -p feedbench
    node crates/cli/tests/outsiders/screens.mjs reports/sample/index.html docs/screens
    node crates/cli/tests/outsiders/demo-screens.mjs target/release/feedbench docs/screens

# Ten minutes of the demo's page at 50 publications a second; fails when the page's heap or the server's memory grows by 5 % after minute 2.
[group('check')]
demo-memory: outsiders
    cargo build --release -p feedbench
    node crates/cli/tests/outsiders/demo-memory.mjs target/release/feedbench

# Formats the code.
[group('check')]
fmt:
    cargo fmt --all
