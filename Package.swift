// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "Chatterbox",
    products: [
        .library(name: "Torch", targets: ["Torch"]),
        .library(name: "SpeechAudio", targets: ["SpeechAudio"]),
        .library(name: "Chatterbox", targets: ["Chatterbox"]),
        .executable(name: "chatterbox", targets: ["ChatterboxCommand"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.5.0"),
    ],
    targets: [
        // libtorch and the audio libraries, found through pkg-config (scripts/setup writes libtorch.pc).
        .systemLibrary(name: "CLibtorch", pkgConfig: "libtorch"),
        .systemLibrary(name: "CSndfile", pkgConfig: "sndfile", providers: [.apt(["libsndfile1-dev"])]),
        .systemLibrary(name: "CSoxr", pkgConfig: "soxr", providers: [.apt(["libsoxr-dev"])]),
        .systemLibrary(name: "CEbur128", pkgConfig: "libebur128", providers: [.apt(["libebur128-dev"])]),

        .target(name: "CTorch", dependencies: ["CLibtorch"]),
        .target(name: "Torch", dependencies: ["CTorch"]),
        .target(name: "SpeechAudio", dependencies: ["Torch", "CSndfile", "CSoxr", "CEbur128"]),
        .target(name: "CKernels", exclude: ["kernels.inc"]),
        .target(name: "Kernels", dependencies: ["CKernels", "Torch"]),
        .target(name: "Chatterbox", dependencies: ["Torch", "Kernels", "SpeechAudio"]),
        .executableTarget(
            name: "ChatterboxCommand",
            dependencies: ["Chatterbox", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            path: "Sources/chatterbox"),

        .target(name: "TestSupport", dependencies: ["Torch"], path: "Tests/TestSupport"),
        .testTarget(name: "TorchTests", dependencies: ["Torch", "TestSupport"]),
        .testTarget(name: "KernelsTests", dependencies: ["Kernels", "TestSupport"]),
        .testTarget(name: "SpeechAudioTests", dependencies: ["SpeechAudio", "TestSupport"]),
        .testTarget(name: "ChatterboxTests", dependencies: ["Chatterbox", "TestSupport"]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx20
)
