#if Server
    import Foundation
    import TestSupport
    import Testing

    @testable import ChatterboxCommand

    @Suite("chatterbox mcp", .standInModel) struct MCPCommandTests {
        let program: Program

        init() throws { program = try Program() }

        @Test("answers messages, one in each line, ends with them, and prints nothing else on standard output") func messages() async throws {
            let lines = [
                #"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#,
                #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, #"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#,
            ]
            let run = try await program(
                ["mcp", "--model", StandInModel.folder.path, "--voices", program.path("voices")], input: lines.joined(separator: "\n") + "\n")
            #expect(run.status == 0, "\(run.errors)")
            let answers = String(decoding: run.output, as: UTF8.self).split(separator: "\n")
            #expect(
                answers.count == 2 && answers[0].contains(#""protocolVersion":"2025-06-18""#) && answers[1].contains(#""name":"speak""#), "\(answers)"
            )
        }

        @Test("a missing folder is reported before anything is loaded") func noFolder() async throws {
            let run = try await program(["mcp", "--model", StandInModel.folder.path, "--folder", "nowhere"])
            #expect(run.status == 64 && run.errors.contains("--folder nowhere: there is no such folder"), "\(run.errors)")
        }
    }
#endif
