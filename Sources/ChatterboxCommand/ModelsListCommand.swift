#if Hub
    import ArgumentParser
    import Chatterbox
    import ChatterboxModels
    import ChatterboxHub
    import Foundation

    extension ModelsCommand {
        struct List: ParsableCommand {
            static let configuration = CommandConfiguration(abstract: "List the models on this machine, and those that can be downloaded.")
            @Flag(help: "Print a JSON array.") var json = false

            func run() throws {
                let folders = UserFolders(), store = folders.modelStore
                let known = store.catalog.models.map { Entry($0, store) }
                let own = folders.modelLocator.models.filter { folder in !known.contains { $0.name == folder.lastPathComponent } }
                let entries = known + own.map(Entry.init)
                if json { return try StandardOutput.print(json: entries) }
                let width = entries.map(\.name.count).max() ?? 0
                for entry in entries {
                    let name = entry.name.padding(toLength: width, withPad: " ", startingAt: 0)
                    let size = entry.here ? entry.bytes.asBytes : "-"
                    try StandardOutput.print("\(name)  \(String(repeating: " ", count: max(0, 9 - size.count)))\(size)  \(entry.summary)")
                }
                if !entries.contains(where: \.here) { StandardError.print("None is installed yet; get one with `chatterbox models pull NAME`") }
            }
        }

        /// A model in the list.
        private struct Entry: Encodable {
            let name, summary: String
            let here: Bool
            /// Whether it is not a model but a part for models.
            let isPart: Bool
            let bytes: Int
            let folder: String?

            init(_ model: CatalogModel, _ store: ModelStore) {
                name = model.name
                summary = model.summary
                isPart = model.isPart
                let files = store.files(of: model)
                here = !files.isEmpty
                bytes = files.reduce(0) { $0 + $1.bytes }
                // If the shelf cannot be written, the model has no folder.
                folder = here ? (try? store.folder(of: model))?.path : nil
            }

            /// A folder with a model of the user's own.
            init(_ folder: URL) {
                name = folder.lastPathComponent
                summary = folder.path
                here = true
                isPart = false
                let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
                bytes = names.reduce(0) { sum, name in
                    let file = folder.appending(path: name).resolvingSymlinksInPath()
                    return sum + ((try? FileManager.default.attributesOfItem(atPath: file.path))?[.size] as? Int ?? 0)
                }
                self.folder = folder.path
            }
        }

        struct Verify: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Verify the checksums of models' files.",
                discussion: "Damaged files are listed; `chatterbox models pull` downloads them again. The exit status is 1 if any file is damaged.")

            @Argument(help: ArgumentHelp("Names of models. (default: all on this machine)", valueName: "model")) var models: [String] = []
            @OptionGroup var progress: ProgressArguments

            func run() async throws {
                let store = UserFolders().modelStore
                let chosen = try models.isEmpty ? store.catalog.models : models.map { try CatalogArguments.model($0, store) }
                let display = DownloadDisplay(progress.display)
                var damaged: [String] = []
                for model in chosen {
                    let files = store.files(of: model)
                    if files.isEmpty, !models.isEmpty { throw ModelLocatorError.notHere(model.name) }
                    for file in files {
                        let verdict = try await display.showing(file.name) {
                            var read = 0
                            return try store.verify(file) { count in
                                read += count
                                display.show(.progress(HubProgress(totalFiles: 1, bytes: read, totalBytes: file.bytes)))
                            }
                        }
                        if case .damaged = verdict { damaged.append(model.name) }
                        progress.display.clear()
                        try StandardOutput.print("\(model.name)  \(file.name)  \(Self.word(verdict))")
                    }
                }
                if let name = damaged.first { throw ModelDamaged(name: name) }
            }

            private static func word(_ verdict: ModelStore.Verdict) -> String {
                switch verdict {
                case .intact: "intact"
                case .damaged(let expected, let found): "DAMAGED: checksum \(found.prefix(12))…, expected \(expected.prefix(12))…"
                case .unknown: "unknown: the cache has no checksum for it"
                }
            }
        }

        struct Remove: ParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Remove models from this machine.",
                discussion: "Files that another model needs are kept.")

            @Argument(help: ArgumentHelp("Names of models.", valueName: "model")) var models: [String]

            func run() throws {
                let store = UserFolders().modelStore
                for model in try models.map({ try CatalogArguments.model($0, store) }) {
                    guard store.isHere(model) else { throw ModelLocatorError.notHere(model.name) }
                    StandardError.print("\(model.name) is removed, \((try store.remove(model)).asBytes) are free again")
                }
            }
        }
    }

    struct ModelDamaged: Error, CustomStringConvertible {
        let name: String

        var description: String { "\(name) is damaged; download the damaged files again with `chatterbox models pull \(name)`" }
    }
#endif
