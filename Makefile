# `make` without a target lists all targets.
libtorch = $(shell sed -n 's/^prefix=//p' .deps/pkgconfig/libtorch.pc)
# SwiftPM takes no run path from a .pc file, so it is given to the linker.
swift_flags = --pkg-config-path .deps/pkgconfig -Xlinker -rpath -Xlinker $(libtorch)/lib
program = .build/release/chatterbox

.PHONY: help setup build package demo test format lint examples docs fuzz book clients microbench kernelbench compare cudacheck page
help: ## Lists the targets
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' Makefile

setup: ## Installs the package's dependencies; quick if nothing is missing
	@scripts/setup

build: setup ## Builds the program: .build/release/chatterbox
	swift build $(swift_flags) -c release --product chatterbox
	-@$(program) watermark --fetch # once; without its weights speech has no watermark

package: build ## Makes the packages for installation in .build/package: an archive, a Debian package, an archive for NVIDIA GPUs
	scripts/package

demo: setup ## Speaks a sentence into demo.wav; set MODEL=NAME|DIR or TEXT=… to choose
	@scripts/demo $(swift_flags)

test: setup ## Builds and runs every test; FILTER='…' only those whose names match it
	@scripts/test $(swift_flags)

format: setup ## Formats the code (.swift-format, .clang-format)
	@scripts/format

lint: setup ## Fails if `make format` would change anything, and prints it
	@scripts/format --check

examples: setup ## Builds the three example programs in Examples
	swift build --package-path Examples $(subst .deps/pkgconfig,$(CURDIR)/.deps/pkgconfig,$(swift_flags))

docs: ## Builds the documentation of the modules of the last debug build into .build/documentation; a warning is an error
	@scripts/build-docs

fuzz: setup ## Searches with libFuzzer for input on which readers crash or hang; SECONDS for each kind of file
	scripts/fuzz $(or $(SECONDS),60)

book: build ## Speaks 40,000 letters with Pico, killed ten times, and compares with an uninterrupted run
	scripts/check-book kill

clients: build ## Tests the server with real clients (OpenAI's and ElevenLabs' APIs, Wyoming, MCP, WebSockets, HTTP)
	scripts/check-clients

page: build ## Tests the server's web page in Chromium, if it is installed: every control, the played sound, accessibility
	scripts/test-page

microbench: setup ## Prints the time of small tensor operations; Benchmarks/torch-against-python also prints Python's
	swift build $(swift_flags) -c release --product TorchBench
	.build/release/TorchBench

kernelbench: setup ## Prints the time of matrix products, attention, convolutions and sampling, and the machine's limits
	swift build $(swift_flags) -c release --product KernelBench
	.build/release/KernelBench

compare: build ## Compares the results with upstream's package, at full size; options="--help" lists its options
	Reference/compare $(options)

cudacheck: setup ## Compiles the code for NVIDIA GPUs against CUDA's headers, which it downloads; needs no GPU
	scripts/check-cuda-build
