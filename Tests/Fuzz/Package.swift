// swift-tools-version: 6.2
import PackageDescription

// libFuzzer's program: `scripts/fuzz` builds and runs it.
let package = Package(
    name: "Fuzz",
    dependencies: [.package(name: "Chatterbox", path: "../..", traits: ["Server"])],
    targets: [
        .executableTarget(
            name: "Fuzz",
            dependencies: ["Chatterbox", "ChatterboxServer", "SpeechAudio", "SpeechText", "Torch"].map { .product(name: $0, package: "Chatterbox") },
            path: "Sources",
            // libFuzzer brings the program's main.
            swiftSettings: [.unsafeFlags(["-parse-as-library"])])
    ],
    swiftLanguageModes: [.v6]
)
