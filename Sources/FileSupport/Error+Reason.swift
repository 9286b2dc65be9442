import Foundation

extension Error {
    /// The system's words for what went wrong with a file, without the path in front.
    package var reason: String {
        let error = self as NSError
        if let underlying = error.userInfo[NSUnderlyingErrorKey] as? any Error { return underlying.reason }
        guard error.domain == NSPOSIXErrorDomain else { return error.localizedDescription }
        return String(cString: strerror(Int32(error.code)))
    }
}
