import CSndfile
import Foundation

/// Bytes in memory that libsndfile reads and writes as a file.
final class VirtualFile {
    private(set) var bytes: Data
    private var position = 0

    init(_ bytes: Data = Data()) {
        // Indices from 0, whatever slice the caller had.
        self.bytes = bytes.startIndex == 0 ? bytes : Data(bytes)
    }

    /// Opens the bytes; nil where libsndfile knows no such format. This object must outlive what is returned.
    func open(_ mode: Int, _ info: inout SF_INFO) -> OpaquePointer? {
        var access = SF_VIRTUAL_IO(
            get_filelen: { sf_count_t(VirtualFile.at($0).bytes.count) },
            seek: { sf_count_t(VirtualFile.at($2).seek(Int($0), from: $1)) },
            read: { sf_count_t(VirtualFile.at($2).read(into: $0, count: Int($1))) },
            write: { sf_count_t(VirtualFile.at($2).write($0, count: Int($1))) },
            tell: { sf_count_t(VirtualFile.at($0).position) })
        return sf_open_virtual(&access, Int32(mode), &info, Unmanaged.passUnretained(self).toOpaque())
    }

    private static func at(_ pointer: UnsafeMutableRawPointer?) -> VirtualFile {
        Unmanaged<VirtualFile>.fromOpaque(pointer!).takeUnretainedValue()
    }

    private func seek(_ offset: Int, from whence: Int32) -> Int {
        let base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? position : bytes.count
        let (target, overflow) = base.addingReportingOverflow(offset)
        // Damaged headers ask for places that do not exist.
        guard !overflow, target >= 0, target <= 1 << 40 else { return -1 }
        position = target
        return position
    }

    private func read(into target: UnsafeMutableRawPointer?, count: Int) -> Int {
        let available = min(count, bytes.count - position)
        guard available > 0, let target else { return 0 }
        bytes.copyBytes(to: UnsafeMutableRawBufferPointer(start: target, count: available), from: position..<position + available)
        position += available
        return available
    }

    private func write(_ source: UnsafeRawPointer?, count: Int) -> Int {
        guard count > 0, let source else { return 0 }
        if bytes.count < position + count { bytes.append(Data(count: position + count - bytes.count)) }
        bytes.replaceSubrange(position..<position + count, with: UnsafeRawBufferPointer(start: source, count: count))
        position += count
        return count
    }
}
