import Foundation

/// Flushes the output, for which another program waits.
func flush() { fflush(nil) }
