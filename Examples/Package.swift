// swift-tools-version: 6.2
import PackageDescription

// `make examples` builds these programs. They use Pico, which comes with the package. In your own package the dependency is
// .package(url: "…/chatterbox-swift", from: "0.2.0", traits: []), or without `traits` to include downloads and the server.
let package = Package(
    name: "Examples",
    dependencies: [.package(name: "Chatterbox", path: "..", traits: [])],
    targets: [
        .executableTarget(name: "Speak", dependencies: products("Chatterbox", "Pico", "SpeechAudio")),
        .executableTarget(name: "StreamToPlayer", dependencies: products("Chatterbox", "Pico", "SpeechAudio")),
        .executableTarget(name: "CloneVoice", dependencies: products("Chatterbox", "Pico", "SpeechAudio")),
    ],
    swiftLanguageModes: [.v6]
)

func products(_ names: String...) -> [Target.Dependency] { names.map { .product(name: $0, package: "Chatterbox") } }
