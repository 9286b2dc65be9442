# Each target is one thing a person does here. `make` alone lists them.
libtorch = $(shell sed -n 's/^prefix=//p' .deps/pkgconfig/libtorch.pc)
# SwiftPM takes no run path from a .pc file; the linker is told here where libtorch will be.
swift_flags = --pkg-config-path .deps/pkgconfig -Xlinker -rpath -Xlinker $(libtorch)/lib
program = .build/release/chatterbox

.PHONY: help setup build package demo test format lint examples docs fuzz book clients microbench kernelbench compare cudacheck page
help: ## Lists the targets
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' Makefile

setup: ## Installs what the package is built on; quick when nothing is missing
	@scripts/setup

build: setup ## Builds the program: .build/release/chatterbox
	swift build $(swift_flags) -c release --product chatterbox
	-@$(program) watermark --fetch # once; without its weights speech carries no mark

package: build ## Makes what people install, in .build/package: an archive, a Debian package, an archive for NVIDIA GPUs
	scripts/package

demo: setup ## Speaks a sentence into demo.wav; MODEL=NAME|DIR and TEXT=… choose
	@scripts/demo $(swift_flags)

test: setup ## Builds and runs every test; FILTER='…' only those whose names match it
	@scripts/test $(swift_flags)

format: setup ## Lays out the code: .swift-format, .clang-format
	@scripts/format

lint: setup ## Says which code is laid out otherwise than `make format` would, and fails
	@scripts/format --check

examples: setup ## Builds the three programs of Examples: what a program of your own looks like
	swift build --package-path Examples $(subst .deps/pkgconfig,$(CURDIR)/.deps/pkgconfig,$(swift_flags))

docs: ## Builds the documentation of the modules of the last debug build into .build/documentation; a warning is an error
	@scripts/build-docs

fuzz: setup ## Lets libFuzzer look for bytes that reading crashes or hangs on; SECONDS for each kind of file
	scripts/fuzz $(or $(SECONDS),60)

book: build ## Speaks 40,000 letters with Pico, kills that ten times, and compares with an undisturbed run
	scripts/check-book kill

clients: build ## Lets real clients (of OpenAI's and ElevenLabs' APIs, Wyoming, MCP, WebSockets, HTTP) speak with the server
	scripts/check-clients

page: build ## Uses the server's page in Chromium: every control, what is played, accessibility; says so where there is none
	scripts/test-page

microbench: setup ## Prints what small tensor operations cost; Benchmarks/torch-against-python puts Python's beside it
	swift build $(swift_flags) -c release --product TorchBench
	.build/release/TorchBench

kernelbench: setup ## Prints what products, attention, convolutions and draws of tokens cost, beside what the machine allows
	swift build $(swift_flags) -c release --product KernelBench
	.build/release/KernelBench

compare: build ## Speaks with upstream's package side by side, at full size; options="--help" lists what can be chosen
	Reference/compare $(options)

cudacheck: setup ## Compiles what is for NVIDIA GPUs against CUDA's headers, which it fetches; needs no GPU
	scripts/check-cuda-build
