import Foundation
import HTTPTypes
import Hummingbird

/// An uploaded form: short fields, and files in memory, each within its limit.
struct UploadedForm: Sendable {
    private(set) var fields: [String: String] = [:]
    private(set) var files: [String: File] = [:]
    /// What was ignored, one sentence each.
    private(set) var warnings: [String] = []

    struct File: Sendable {
        let name: String?
        let contentType: String?
        fileprivate(set) var bytes = Data()
    }

    private static let fieldLimit = 64 << 10
    /// The number of bytes that a body may have besides its files.
    private static let aroundFiles = 1 << 20

    /// Reads a request's body.
    ///
    /// - Parameters:
    ///   - fileNames: the fields that contain files.
    ///   - fieldNames: the other supported fields.
    ///   - limit: the largest size of a file in bytes.
    ///   - isStrict: whether unknown fields are refused.
    /// - Throws: ``APIError`` if the body is not a form, or is too large.
    init(_ request: Request, files fileNames: Set<String>, fields fieldNames: Set<String>, limit: Int, isStrict: Bool) async throws {
        let largest = fileNames.count * limit + Self.aroundFiles
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > largest {
            throw APIError(
                .contentTooLarge, "the body has \(length) bytes; \(fileNames.sorted().joined(separator: " and ")) may have \(limit)",
                parameter: fileNames.count == 1 ? fileNames.first : nil, code: "too_large")
        }
        do {
            var parser = try MultipartParser(contentType: request.headers[.contentType] ?? "none")
            var part: MultipartParser.Header?, text: [UInt8] = []
            for try await buffer in request.body {
                for event in try parser.take(buffer.readableBytesView) {
                    switch event {
                    case .begin(let header):
                        (part, text) = (header, [])
                        if fileNames.contains(header.name) { files[header.name] = File(name: header.fileName, contentType: header.contentType) }
                    case .data(let bytes):
                        guard let part else { continue }
                        if files[part.name] != nil {
                            files[part.name]!.bytes += bytes
                            guard files[part.name]!.bytes.count <= limit else { throw Self.tooLarge(part.name, limit) }
                        } else {
                            text += bytes
                            guard text.count <= Self.fieldLimit else { throw Self.tooLarge(part.name, Self.fieldLimit) }
                        }
                    case .end:
                        if let part, files[part.name] == nil { fields[part.name] = String(decoding: text, as: UTF8.self) }
                        part = nil
                        guard fields.count + files.count <= 64 else { throw APIError.invalid("more than 64 fields", nil) }
                    }
                }
            }
            guard parser.isComplete else { throw MultipartError.incomplete }
            warnings = try UnknownFields.warnings(fields.keys.filter { !fieldNames.contains($0) }.sorted(), isStrict: isStrict)
        } catch let error as MultipartError {
            throw APIError.invalid("\(error)", nil, code: "invalid_form")
        }
    }

    private static func tooLarge(_ name: String, _ limit: Int) -> APIError {
        APIError(.contentTooLarge, "\(name) is larger than \(limit) bytes", parameter: name, code: "too_large")
    }
}

/// A file that is to be stored under a name.
struct Upload: Sendable {
    let name: String
    let file: UploadedForm.File
    /// The form with the other fields.
    let form: UploadedForm
    /// Counts towards the client's limit of simultaneous requests as long as the upload exists.
    let admission: Place?
}

extension ServerState {
    /// Reads a form with a name and a file.
    ///
    /// - Parameters:
    ///   - field: the field with the file.
    ///   - meaning: a description of the file, for the error if it is missing.
    ///   - others: fields with further files, which may be missing.
    ///   - fields: supported fields besides the name.
    ///   - limit: the largest size of a file in bytes.
    /// - Throws: ``APIError``.
    func upload(
        _ request: Request, _ context: ServerContext, _ field: String, _ meaning: String, beside others: Set<String> = [],
        fields: Set<String> = [], limit: Int
    ) async throws -> Upload {
        let admission = try limits.admit(context.client)
        let form = try await Patience(context.channel, seconds: configuration.senderPatience).waiting {
            try await UploadedForm(
                request, files: others.union([field]), fields: fields.union(["name"]), limit: limit, isStrict: configuration.isStrict)
        }
        guard let name = form.fields["name"], !name.isEmpty else { throw APIError.missing("name") }
        guard let file = form.files[field] else {
            throw APIError.invalid("\(field) is missing: \(meaning)", field, code: "missing_required_parameter")
        }
        return Upload(name: name, file: file, form: form, admission: admission)
    }
}
