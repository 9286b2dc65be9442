import Chatterbox
import Foundation
import Pico
import SpeechAudio

/// Plays a text while it is spoken: sound goes to a player's standard input chunk by chunk.
///
///     swift run StreamToPlayer "The ship was late, and nobody knew when it would come." aplay -q -f S16_LE -c 1 -r 24000
@main struct StreamToPlayer {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count >= 3, let folder = Pico.folder else {
            print("usage: StreamToPlayer TEXT PLAYER [ARGUMENT …]; the player gets 16-bit samples, mono, 24000 a second")
            exit(64)
        }
        // If the player ends early, writing to it throws an error instead of ending this program.
        signal(SIGPIPE, SIG_IGN)
        let player = Process(), input = Pipe()
        player.executableURL = URL(filePath: "/usr/bin/env")
        player.arguments = Array(arguments[2...])
        player.standardInput = input
        try player.run()

        let synthesizer = try await Synthesizer.load(folder)
        let clock = ContinuousClock(), start = clock.now
        var seconds = 0.0
        for try await chunk in synthesizer.stream(arguments[1]) {
            if seconds == 0 { print("first sound after \(clock.now - start)") }
            seconds += chunk.audio.duration
            try input.fileHandleForWriting.write(contentsOf: samples(of: chunk.audio))
        }
        try input.fileHandleForWriting.close()
        player.waitUntilExit()
        print(String(format: "%.1f s of speech", seconds))
    }

    /// Little-endian 16-bit samples.
    private static func samples(of audio: Audio) -> Data {
        audio.samples.map { Int16(max(-1, min(1, $0)) * 32767).littleEndian }.withUnsafeBytes { Data($0) }
    }
}
