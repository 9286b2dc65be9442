/// A model on a hub, under the program's name for it.
public struct CatalogModel: Sendable, Hashable {
    /// `turbo`, `pack:pt-br`.
    public let name: String
    /// What it is for, in a few words.
    public let summary: String
    /// Where its files are.
    public let sources: [Source]
    /// Whether it is not a model, but a part that models can use, such as a flow.
    public let isPart: Bool

    public init(name: String, summary: String, sources: [Source], isPart: Bool = false) {
        (self.name, self.summary, self.sources, self.isPart) = (name, summary, sources, isPart)
    }

    /// A repository and the files that are used from it.
    public struct Source: Sendable, Hashable {
        public let repository: HubRepository
        public let requests: [HubRequest]

        public init(_ repository: HubRepository, _ requests: [HubRequest]) { (self.repository, self.requests) = (repository, requests) }
    }
}

/// The list of a hub's models.
public struct ModelCatalog: Sendable {
    public let models: [CatalogModel]

    public init(models: [CatalogModel]) { self.models = models }

    /// The model of a name; nil for an unknown name.
    public func model(named name: String) -> CatalogModel? { models.first { $0.name == name } }
}
