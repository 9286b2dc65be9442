// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "Chatterbox",
    products: [
        .library(name: "Torch", targets: ["Torch"]),
        .library(name: "SpeechAudio", targets: ["SpeechAudio"]),
        .library(name: "Chatterbox", targets: ["Chatterbox"]),
        .library(name: "ChatterboxTraining", targets: ["ChatterboxTraining"]),
        .executable(name: "chatterbox", targets: ["ChatterboxCommand"]),
        .executable(name: "torch-bench", targets: ["TorchBench"]),
        .executable(name: "kernel-bench", targets: ["KernelBench"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.5.0"),
    ],
    targets: [
        // libtorch and the audio libraries, found through pkg-config (scripts/setup writes libtorch.pc).
        .systemLibrary(name: "CLibtorch", pkgConfig: "libtorch"),
        .systemLibrary(name: "CSndfile", pkgConfig: "sndfile", providers: [.apt(["libsndfile1-dev"])]),
        .systemLibrary(name: "CSoxr", pkgConfig: "soxr", providers: [.apt(["libsoxr-dev"])]),

        .target(name: "CTorch", dependencies: ["CLibtorch"]),
        .target(name: "Torch", dependencies: ["CTorch"]),
        .target(name: "SpeechAudio", dependencies: ["Torch", "CSndfile", "CSoxr"]),
        .target(name: "CKernels", exclude: ["kernels.inc"]),
        .target(name: "Kernels", dependencies: ["CKernels", "Torch"]),
        .target(name: "Chatterbox", dependencies: ["Torch", "Kernels", "SpeechAudio"]),
        .target(name: "ChatterboxTraining", dependencies: ["Chatterbox", "SpeechAudio", "Torch"]),
        .executableTarget(
            name: "ChatterboxCommand",
            dependencies: ["Chatterbox", "ChatterboxTraining", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            path: "Sources/chatterbox"),

        .target(name: "Harness", path: "Benchmarks/Harness"),
        .executableTarget(name: "TorchBench", dependencies: ["Harness", "Torch"], path: "Benchmarks/TorchBench"),
        .executableTarget(name: "KernelBench", dependencies: ["Harness", "Kernels", "Torch"], path: "Benchmarks/KernelBench"),

        .target(name: "TestSupport", dependencies: ["Torch", "SpeechAudio", "Chatterbox"], path: "Tests/TestSupport"),
        .testTarget(name: "TorchTests", dependencies: ["Torch", "TestSupport"]),
        .testTarget(name: "KernelsTests", dependencies: ["Kernels", "TestSupport"]),
        .testTarget(name: "SpeechAudioTests", dependencies: ["SpeechAudio", "CSndfile", "TestSupport"]),
        .testTarget(name: "ChatterboxTests", dependencies: ["Chatterbox", "TestSupport"]),
        .testTarget(name: "ChatterboxTrainingTests", dependencies: ["ChatterboxTraining", "TestSupport"]),
        .testTarget(name: "ChatterboxCommandTests", dependencies: ["ChatterboxCommand", "TestSupport"]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx20
)
