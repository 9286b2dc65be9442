import CSndfile
import Foundation
import Torch

/// Lets libsndfile read and write the bytes of a store as a file. It must exist longer than the handle that ``open(_:_:)`` returns.
final class VirtualFile {
    private let store: any ByteStore
    private var position = 0

    init(_ store: any ByteStore) { self.store = store }

    /// Opens the bytes; nil where libsndfile knows no such format.
    func open(_ mode: Int, _ info: inout SF_INFO) -> OpaquePointer? {
        var access = SF_VIRTUAL_IO(
            get_filelen: { sf_count_t(VirtualFile.at($0).store.count) },
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
        let base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? position : store.count
        let (target, overflow) = base.addingReportingOverflow(offset)
        // Damaged headers request positions that do not exist.
        guard !overflow, target >= 0, target <= 1 << 40 else { return -1 }
        position = target
        return position
    }

    private func read(into target: UnsafeMutableRawPointer?, count: Int) -> Int {
        guard count > 0, let target else { return 0 }
        let read = store.read(into: UnsafeMutableRawBufferPointer(start: target, count: count), at: position)
        position += read
        return read
    }

    private func write(_ source: UnsafeRawPointer?, count: Int) -> Int {
        guard count > 0, let source else { return 0 }
        let written = store.write(UnsafeRawBufferPointer(start: source, count: count), at: position)
        position += written
        return written
    }
}
