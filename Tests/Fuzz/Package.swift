// swift-tools-version: 6.2
import PackageDescription

// The libFuzzer program, which `scripts/fuzz` builds and runs.
let package = Package(
    name: "Fuzz",
    dependencies: [.package(name: "Chatterbox", path: "../..", traits: ["Server"])],
    targets: [
        .executableTarget(
            name: "Fuzz",
            dependencies: ["Chatterbox", "ChatterboxServer", "SpeechAudio", "SpeechText", "Torch"].map { .product(name: $0, package: "Chatterbox") },
            path: "Sources",
            // libFuzzer provides `main`.
            swiftSettings: [.unsafeFlags(["-parse-as-library"])])
    ],
    swiftLanguageModes: [.v6]
)
