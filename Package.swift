// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "Chatterbox",
    products: [
        .library(name: "Torch", targets: ["Torch"]),
        .library(name: "SpeechAudio", targets: ["SpeechAudio"]),
        .library(name: "SpeechText", targets: ["SpeechText"]),
        .library(name: "Chatterbox", targets: ["Chatterbox"]),
        .library(name: "Pico", targets: ["Pico"]),
        .library(name: "Moonshine", targets: ["Moonshine"]),
        .library(name: "ChatterboxHub", targets: ["ChatterboxHub"]),
        .library(name: "ChatterboxModels", targets: ["ChatterboxModels"]),
        .library(name: "ChatterboxServer", targets: ["ChatterboxServer"]),
        .library(name: "ChatterboxTraining", targets: ["ChatterboxTraining"]),
        .library(name: "ChatterboxEvaluation", targets: ["ChatterboxEvaluation"]),
        .executable(name: "chatterbox", targets: ["ChatterboxCommand"]),
    ],
    traits: [
        .trait(name: "Hub", description: "The program gets models from Hugging Face; without it, it needs no TLS."),
        .trait(name: "Server", description: "The program serves speech over HTTP (`chatterbox serve`)."),
        .default(enabledTraits: ["Hub", "Server"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.5.0"),
        // For downloads: HTTP with TLS and streaming bodies.
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.30.0"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.80.0"),
        // For a logger that callers hand in.
        .package(url: "https://github.com/apple/swift-log.git", from: "1.6.0"),
        // For serving: routes and streamed answers over HTTP, an end in good order, counts, settings of three sources.
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.20.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.6.0"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.3.0"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.34.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.29.0"),
        .package(url: "https://github.com/apple/swift-metrics.git", from: "2.5.0"),
        .package(url: "https://github.com/apple/swift-configuration.git", from: "1.0.0"),
    ],
    targets: [
        // libtorch, the audio libraries and OpenSSL's digests, found through pkg-config (scripts/setup writes libtorch.pc).
        .systemLibrary(name: "CLibtorch", pkgConfig: "libtorch"),
        .systemLibrary(name: "CLibcrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CSndfile", pkgConfig: "sndfile", providers: [.apt(["libsndfile1-dev"])]),
        .systemLibrary(name: "CSoxr", pkgConfig: "soxr", providers: [.apt(["libsoxr-dev"])]),
        .systemLibrary(name: "CLame", pkgConfig: "lame", providers: [.apt(["libmp3lame-dev"])]),
        .systemLibrary(name: "COpusenc", pkgConfig: "libopusenc", providers: [.apt(["libopusenc-dev"])]),
        .systemLibrary(name: "CVoAACEnc", pkgConfig: "vo-aacenc", providers: [.apt(["libvo-aacenc-dev"])]),
        // Debian's sonic has no .pc file; its header and library lie where the compiler looks anyway.
        .systemLibrary(name: "CSonic", providers: [.apt(["libsonic-dev"])]),

        .target(name: "FileSupport", dependencies: ["CLibcrypto"]),
        .target(name: "CTorch", dependencies: ["CLibtorch"]),
        .target(name: "Torch", dependencies: ["CTorch", "FileSupport"]),
        .target(name: "SpeechAudio", dependencies: ["FileSupport", "Torch", "CSndfile", "CSoxr", "CLame", "COpusenc", "CVoAACEnc", "CSonic"]),
        .target(name: "SpeechText", dependencies: ["FileSupport"]),
        .target(name: "CKernels", exclude: ["kernels.inc", "lanes.inc", "packing.inc", "pages.inc", "rows.inc", "sample.inc", "tiles.inc"]),
        .target(name: "Kernels", dependencies: ["CKernels", "Torch"]),
        .target(
            name: "Chatterbox",
            dependencies: ["FileSupport", "Torch", "Kernels", "SpeechAudio", "SpeechText", .product(name: "Logging", package: "swift-log")]),
        // Finds its library when it is asked for, by dlopen.
        .target(name: "CMoonshine"),
        .target(name: "Moonshine", dependencies: ["CMoonshine", "Chatterbox", "FileSupport", "SpeechAudio", "SpeechText", "Torch"]),
        .target(
            name: "ChatterboxHub",
            dependencies: [
                "FileSupport",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        .target(
            name: "ChatterboxModels",
            dependencies: [
                "Chatterbox", .target(name: "ChatterboxHub", condition: .when(traits: ["Hub"])), "FileSupport", "Pico", "SpeechText", "Torch",
                .product(name: "Logging", package: "swift-log"),
            ]),
        .target(name: "CServerFiles"),
        .target(
            name: "ChatterboxServer",
            dependencies: [
                "Chatterbox", "CServerFiles", "FileSupport", "SpeechAudio", "SpeechText", "Torch",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            exclude: ["Resources"]),
        .target(name: "Pico", path: "Models", resources: [.copy("pico")]),
        .target(name: "ChatterboxTraining", dependencies: ["Chatterbox", "FileSupport", "SpeechAudio", "SpeechText", "Torch"]),
        .target(name: "ChatterboxEvaluation", dependencies: ["Chatterbox", "Kernels", "SpeechAudio", "SpeechText", "Torch"]),
        .executableTarget(
            name: "ChatterboxCommand",
            dependencies: [
                "Chatterbox", .target(name: "ChatterboxHub", condition: .when(traits: ["Hub"])), "ChatterboxModels", "ChatterboxTraining",
                .target(name: "ChatterboxServer", condition: .when(traits: ["Server"])), "ChatterboxEvaluation", "FileSupport", "Kernels",
                "Moonshine", "Pico", "SpeechText",
                .product(name: "AsyncHTTPClient", package: "async-http-client", condition: .when(traits: ["Hub"])),
                .product(name: "NIOCore", package: "swift-nio", condition: .when(traits: ["Hub"])),
                .product(name: "NIOHTTP1", package: "swift-nio", condition: .when(traits: ["Hub"])),
                .product(name: "NIOPosix", package: "swift-nio", condition: .when(traits: ["Hub"])),
                .product(name: "NIOSSL", package: "swift-nio-ssl", condition: .when(traits: ["Hub"])),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Configuration", package: "swift-configuration", condition: .when(traits: ["Server"])),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        .target(name: "Harness", path: "Benchmarks/Harness"),
        .executableTarget(name: "TorchBench", dependencies: ["Harness", "Torch"], path: "Benchmarks/TorchBench"),
        .executableTarget(name: "KernelBench", dependencies: ["Harness", "Chatterbox", "Kernels", "Torch"], path: "Benchmarks/KernelBench"),

        .target(name: "TestSupport", dependencies: ["Torch", "SpeechAudio", "Chatterbox"], path: "Tests/TestSupport"),
        .testTarget(name: "FileSupportTests", dependencies: ["FileSupport", "TestSupport"]),
        .testTarget(name: "TorchTests", dependencies: ["Torch", "TestSupport"]),
        .testTarget(name: "KernelsTests", dependencies: ["CKernels", "Kernels", "TestSupport"]),
        .testTarget(name: "SpeechAudioTests", dependencies: ["SpeechAudio", "CSndfile", "TestSupport"]),
        .testTarget(name: "SpeechTextTests", dependencies: ["SpeechText", "TestSupport"]),
        .testTarget(name: "ChatterboxTests", dependencies: ["Chatterbox", "TestSupport", .product(name: "Logging", package: "swift-log")]),
        .testTarget(name: "MoonshineTests", dependencies: ["Chatterbox", "Moonshine", "Pico", "SpeechAudio", "SpeechText", "TestSupport"]),
        .testTarget(
            name: "ChatterboxHubTests",
            dependencies: [
                "ChatterboxHub", "FileSupport", "TestSupport", .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        .testTarget(
            name: "ChatterboxModelsTests",
            dependencies: [
                "Chatterbox", .target(name: "ChatterboxHub", condition: .when(traits: ["Hub"])), "ChatterboxModels", "FileSupport", "TestSupport",
            ]),
        .testTarget(
            name: "ChatterboxServerTests",
            dependencies: [
                "Chatterbox", "ChatterboxServer", "TestSupport",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "ServiceLifecycleTestKit", package: "swift-service-lifecycle"),
            ]),
        .testTarget(name: "ChatterboxTrainingTests", dependencies: ["ChatterboxTraining", "Pico", "TestSupport"]),
        .testTarget(name: "ChatterboxEvaluationTests", dependencies: ["ChatterboxEvaluation", "TestSupport"]),
        .testTarget(
            name: "ChatterboxCommandTests",
            dependencies: [
                "Chatterbox", "ChatterboxCommand", .target(name: "ChatterboxHub", condition: .when(traits: ["Hub"])), "ChatterboxEvaluation",
                .target(name: "ChatterboxServer", condition: .when(traits: ["Server"])), "ChatterboxTraining", "Moonshine", "TestSupport",
            ]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx20
)
