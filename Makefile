# What people type. The build itself is Meson's.
ARGS ?=
SECONDS = 60
API_TESTS ?= test/api/*.test.mjs
E2E_TESTS ?= test/e2e/*.test.mjs
PART =
SIZE = 500MB
ROWS =
RUNS = 3
WRITE =

.PHONY: build run test test-fast test-long e2e lint fuzz bench clean

build: build/build.ninja
	meson compile -C build

build/build.ninja:
	tools/setup build
	meson setup build

# Installs, builds and starts the service with a database of its own; ARGS="--listen-port 8080" adds options.
run:
	tools/setup build run
	@$(MAKE) --no-print-directory build
	./build/src/cch-data serve --demo $(ARGS)

# Everything twice: as it is shipped, and under AddressSanitizer and UndefinedBehaviorSanitizer.
test: test-fast
	@test -f build-asan/build.ninja || meson setup build-asan -Dweb=false -Db_sanitize=address,undefined -Db_lundef=false
	meson compile -C build-asan
	CCH_SANITIZED=1 tools/sanitized meson test -C build-asan --print-errorlogs --timeout-multiplier 4
	CCH_SANITIZED=1 CCH_DATA_BINARY=build-asan/src/cch-data tools/sanitized tools/test-api $(API_TESTS)

test-fast:
	tools/setup build run test
	@$(MAKE) --no-print-directory build
	meson test -C build --print-errorlogs
	CCH_DATA_BINARY=build/src/cch-data tools/test-api $(API_TESTS) $(E2E_TESTS)

# The pages, as a person uses them in Chromium. SCREENSHOTS=directory keeps pictures.
e2e:
	tools/setup build run test
	@$(MAKE) --no-print-directory build
	CCH_DATA_BINARY=build/src/cch-data tools/test-api $(E2E_TESTS)

# Hundreds of kills at random moments, and many random databases of each kind: KILLS=300, PROPERTIES=20.
test-long: export KILLS ?= 300
test-long: export PROPERTIES ?= 20
test-long:
	tools/setup build run test
	@$(MAKE) --no-print-directory build
	CCH_DATA_BINARY=build/src/cch-data tools/test-api test/api/kills.test.mjs test/api/properties.test.mjs

lint:
	tools/setup build lint
	tools/lint

fuzz:
	tools/setup build lint
	tools/fuzz $(SECONDS)

# Our ways beside pg_dump's and pg_restore's; PART=export,import, SIZE=2GB or ROWS=n, RUNS=5; WRITE=1 into docs/benchmarks.md.
bench:
	tools/setup build run test
	@$(MAKE) --no-print-directory build
	node test/bench/run.mjs --size $(SIZE) --runs $(RUNS) $(if $(PART),--part $(PART)) $(if $(ROWS),--rows $(ROWS)) $(if $(WRITE),--write)

clean:
	rm -rf build build-asan build-fuzz
