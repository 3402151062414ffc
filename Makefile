# Targets for people. The build itself is Meson's.
ARGS ?=
SECONDS = 60
API_TESTS ?= test/api/*.test.mjs
E2E_TESTS ?= test/e2e/*.test.mjs
# Tests of code that parses foreign bytes, ends in the middle, or has many threads: make test also runs them with the sanitizers.
SANITIZED_TESTS = $(patsubst %,test/api/%.test.mjs,connections encodings hanging hostile_archives incomplete_archive inspect \
  merge_choices prices requests roundtrip uploads wrong_files)
PART =
VERSIONS =
MATRIX = 18 13
SIZE = 500MB
ROWS =
RUNS = 3
WRITE =
CHECK =

.PHONY: build sanitized run test test-fast test-sanitized test-long matrix e2e lint fuzz bench deb test-packages clean

# What is shipped; the unit tests are built when they are run.
build: build/build.ninja
	ninja -C build shipped

# With CI set, warnings are errors.
build/build.ninja:
	tools/setup build
	meson setup build $(if $(CI),-Dwerror=true)

# For everything that looks for defects: AddressSanitizer, UndefinedBehaviorSanitizer, what libFuzzer is steered by, and
# another compiler with its own warnings. Without the pages, which are the same.
sanitized: build-sanitized/build.ninja
	meson compile -C build-sanitized

build-sanitized/build.ninja:
	tools/setup build lint
	CC=clang CXX=clang++ meson setup build-sanitized -Dweb=false -Dfuzz=true -Dwerror=true -Doptimization=1 \
	  -Db_sanitize=address,undefined -Db_lundef=false

# Installs, builds and starts the service with a database of its own; ARGS="--listen-port 8080" adds options.
run:
	tools/setup build run
	@$(MAKE) --no-print-directory build
	./build/src/cch-data serve --demo $(ARGS)

# The unit tests under the sanitizers; everything else as it is shipped, and SANITIZED_TESTS under them, too; in short on the
# newest and the oldest PostgreSQL, which tools/postgres-versions brings when they are not here yet.
test:
	tools/setup build run test lint
	@$(MAKE) --no-print-directory build sanitized
	CCH_SANITIZED=1 tools/sanitized tools/with-cluster meson test -C build-sanitized --print-errorlogs --num-processes 3 --timeout-multiplier 4
	tools/test-api $(API_TESTS) $(E2E_TESTS)
	CCH_SANITIZED=1 CCH_DATA_BINARY=build-sanitized/src/cch-data tools/sanitized tools/test-api $(SANITIZED_TESTS)
	tools/matrix $(MATRIX)

# Runs every black-box test with the sanitizers: half an hour.
test-sanitized:
	tools/setup build run test lint
	@$(MAKE) --no-print-directory sanitized
	CCH_SANITIZED=1 CCH_DATA_BINARY=build-sanitized/src/cch-data tools/sanitized tools/test-api $(API_TESTS)

# Everything as it is shipped.
test-fast:
	tools/setup build run test
	@$(MAKE) --no-print-directory build
	tools/with-cluster meson test -C build --print-errorlogs --num-processes 4
	tools/test-api $(API_TESTS) $(E2E_TESTS)

# What cch-data does, in short, on servers of PostgreSQL 13 to 18, with the time of each; VERSIONS="13 18".
matrix:
	tools/setup build run test
	@$(MAKE) --no-print-directory build
	tools/matrix $(VERSIONS)

# The pages, as a person uses them in Chromium, in every language at every width. SCREENSHOTS=directory keeps pictures.
e2e:
	tools/setup build run test
	@$(MAKE) --no-print-directory build
	E2E_VIEWS=all tools/test-api $(E2E_TESTS)

# Hundreds of kills at random moments, many random databases of each kind, merges of many rows: KILLS=300, PROPERTIES=20.
test-long: export KILLS ?= 300
test-long: export PROPERTIES ?= 20
test-long: export MERGE_ROWS ?= 1000000
test-long:
	tools/setup build run test
	@$(MAKE) --no-print-directory build
	tools/test-api test/api/kills.test.mjs test/api/properties.test.mjs test/api/merge.test.mjs

# The format, and clang's warnings.
lint: sanitized
	tools/lint

fuzz: sanitized
	tools/fuzz $(SECONDS)

# Compares exports and imports with pg_dump and pg_restore; PART=export,import, SIZE=2GB or ROWS=n, RUNS=5; WRITE=1 into docs/benchmarks.md;
# CHECK=1 fails where a tenth of a ratio in docs/benchmarks.md is lost.
bench:
	tools/setup build run test
	@$(MAKE) --no-print-directory build
	node test/bench/run.mjs --size $(SIZE) --runs $(RUNS) $(if $(PART),--part $(PART)) $(if $(ROWS),--rows $(ROWS)) $(if $(WRITE),--write) $(if $(CHECK),--check)

# The Debian package of this machine's release, into build/deb.
deb:
	tools/setup build package
	@$(MAKE) --no-print-directory build
	packaging/build-deb build/deb

# Each way to install, in systems made by debootstrap (as root): STEPS="deb container". Minutes; it says what it skipped.
test-packages: deb
	packaging/test-packages $(STEPS)

clean:
	rm -rf build build-sanitized
