/// Models that a hub has, by the names that the program knows them by.
public struct CatalogModel: Sendable, Hashable {
    /// `turbo`, `pack:pt-br`.
    public let name: String
    /// What it is for, in a few words.
    public let summary: String
    /// Where its files are.
    public let sources: [Source]
    /// Whether it is no model but what models can speak with.
    public let isPart: Bool

    public init(name: String, summary: String, sources: [Source], isPart: Bool = false) {
        (self.name, self.summary, self.sources, self.isPart) = (name, summary, sources, isPart)
    }

    /// A repository and what is taken from it.
    public struct Source: Sendable, Hashable {
        public let repository: HubRepository
        public let requests: [HubRequest]

        public init(_ repository: HubRepository, _ requests: [HubRequest]) { (self.repository, self.requests) = (repository, requests) }
    }
}

/// The models of a hub that a program knows.
public struct ModelCatalog: Sendable {
    public let models: [CatalogModel]

    public init(models: [CatalogModel]) { self.models = models }

    /// The model of a name; nil for a name that is none.
    public func model(named name: String) -> CatalogModel? { models.first { $0.name == name } }
}
